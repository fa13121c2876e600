import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Blog } from '../blog.js'
import { Watch } from '../watch.js'
import { ActivityLog } from './activity.js'
import type { Html } from './html.js'
import { HttpError, readForm, redirect, sendPage } from './http.js'
import { layout } from './layout.js'
import { messagePage } from './pages.js'
import { route } from './routes.js'
import { type Answer, Visit } from './visit.js'

/** The blog's pages and forms, each query watched. */
export class App {
  readonly log = new ActivityLog()
  readonly #blog: Blog
  readonly #watch: Watch

  constructor(blog: Blog) {
    this.#blog = blog
    this.#watch = new Watch(blog.cacheops)
  }

  async handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const method = request.method ?? 'GET'
    const visit = new Visit(this.#blog, this.#watch, this.log)
    let answer: Answer
    try {
      const { name, id } = route(method, path)
      answer = await visit.answer(name, id, method === 'POST' ? await readForm(request) : new URLSearchParams())
    } catch (error) {
      answer = { status: statusOf(error), page: { title: 'That did not work', body: problemOf(error) } }
    }
    this.log.add({ kind: 'request', method, path, counts: visit.counts })
    if ('location' in answer) redirect(response, answer.location)
    else sendPage(response, answer.status ?? 200, layout(answer.page, this.log))
  }
}

const statusOf = (error: unknown): number => (error instanceof HttpError ? error.status : 500)

function problemOf(error: unknown): Html {
  if (error instanceof HttpError) return messagePage('That did not work', error.message)
  console.error(error)
  return messagePage('That did not work', 'Something went wrong; the terminal says what.')
}
