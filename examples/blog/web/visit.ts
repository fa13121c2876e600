import type { Blog } from '../blog.js'
import * as queries from '../queries.js'
import type { Watch } from '../watch.js'
import { type ActivityLog, type Counts, counted } from './activity.js'
import { HttpError } from './http.js'
import type { Page } from './layout.js'
import { editPage, listPage, postPage, type Rejected } from './pages.js'
import type { RouteName } from './routes.js'

/** A page, or where to go after a form. */
export type Answer = { readonly status?: number; readonly page: Page } | { readonly location: string }

/** One request: its queries, and how they were answered. */
export class Visit {
  counts: Counts = { hit: 0, miss: 0, past: 0 }
  readonly #blog: Blog
  readonly #watch: Watch
  readonly #log: ActivityLog

  constructor(blog: Blog, watch: Watch, log: ActivityLog) {
    this.#blog = blog
    this.#watch = watch
    this.#log = log
  }

  async answer(name: RouteName, id: number, form: URLSearchParams): Promise<Answer> {
    switch (name) {
      case 'home':
        return this.#home()
      case 'category':
        return this.#category(id)
      case 'post':
        return this.#post(id)
      case 'edit':
        return this.#edit(id)
      case 'save':
        return this.#save(id, form)
      case 'comment':
        return this.#comment(id, form)
      case 'like':
        return this.#change(id, `a like for post ${id}`, (db) => queries.addLike(db, id))
      case 'view':
        return this.#change(id, `a view of post ${id}`, (db) => queries.addView(db, id))
    }
  }

  async #home(): Promise<Answer> {
    const categories = await this.#categories()
    const posts = await this.#ask('newest posts', queries.newestPosts)
    const count = await this.#ask('number of posts', queries.countPosts)
    const random = await this.#ask('three posts at random', queries.randomPosts)
    const title = 'Newest posts'
    return { page: { title, body: listPage(title, count, posts, random), categories, current: 'all' } }
  }

  async #category(id: number): Promise<Answer> {
    const categories = await this.#categories()
    const category = categories.find((candidate) => candidate.id === id)
    if (!category) throw new HttpError(404, 'There is no such category.')
    const { name } = category
    const posts = await this.#ask(`newest of ${name}`, (db) => queries.newestOfCategory(db, id))
    const count = await this.#ask(`number in ${name}`, (db) => queries.countOfCategory(db, id))
    return { page: { title: name, body: listPage(name, count, posts, []), categories, current: id } }
  }

  async #post(id: number, rejected?: Rejected): Promise<Answer> {
    const post = await this.#find(id)
    const categories = await this.#categories()
    const author = await this.#ask(`author ${post.authorId}`, (db) => queries.findUser(db, post.authorId))
    const tags = await this.#ask(`tags of post ${id}`, (db) => queries.tagsOfPost(db, id))
    const comments = await this.#ask(`comments on post ${id}`, (db) => queries.commentsOfPost(db, id))
    const category = categories.find((candidate) => candidate.id === post.categoryId) ?? { id: 0, name: 'no category' }
    const body = postPage({ post, author: author?.name ?? 'nobody', category, tags, comments }, rejected)
    return { status: rejected ? 400 : 200, page: { title: post.title, body, categories, current: category.id } }
  }

  async #edit(id: number, rejected?: Rejected): Promise<Answer> {
    const post = await this.#find(id)
    const categories = await this.#categories()
    return {
      status: rejected ? 400 : 200,
      page: { title: 'Edit a post', body: editPage(post, categories, rejected), categories },
    }
  }

  async #save(id: number, form: URLSearchParams): Promise<Answer> {
    const title = field(form, 'title')
    const categories = await this.#categories()
    const category = categories.find((candidate) => String(candidate.id) === form.get('category'))
    const values = { title }
    if (title === '' || title.length > 200) {
      return this.#edit(id, { problem: 'A title has from 1 to 200 characters.', values })
    }
    if (!category) return this.#edit(id, { problem: 'Choose one of the categories.', values })
    return this.#change(id, `edit of post ${id}`, (db) => queries.editPost(db, id, title, category.id))
  }

  async #comment(id: number, form: URLSearchParams): Promise<Answer> {
    const [author, body] = [field(form, 'author'), field(form, 'body')]
    if (author === '' || author.length > 80 || body === '' || body.length > 2000) {
      return this.#post(id, { problem: 'A comment needs a name and a text.', values: { author, body } })
    }
    return this.#change(id, `a comment on post ${id}`, (db) => queries.addComment(db, id, author, body))
  }

  async #change(id: number, label: string, write: (db: queries.Db) => PromiseLike<unknown>): Promise<Answer> {
    await this.#find(id)
    await this.#ask(label, write)
    return { location: `/posts/${id}` }
  }

  async #find(id: number) {
    const post = await this.#ask(`post ${id}`, (db) => queries.findPost(db, id))
    if (!post) throw new HttpError(404, 'There is no such post.')
    return post
  }

  #categories() {
    return this.#ask('categories', queries.listCategories)
  }

  async #ask<T>(label: string, query: (db: queries.Db) => PromiseLike<T>): Promise<T> {
    const { value, observed } = await this.#watch.observe(label, () => query(this.#blog.db))
    this.counts = counted(this.counts, observed)
    this.#log.add({ kind: 'call', observed })
    return value
  }
}

/** Browsers send line ends as CRLF; PostgreSQL takes no zero character. */
const field = (form: URLSearchParams, name: string): string =>
  (form.get(name) ?? '').replaceAll('\r\n', '\n').replaceAll('\0', '').trim()
