/**
 * `npm run demo`: a tour of a blog on an embedded PostgreSQL, in the terminal.
 * `npm run demo -- --serve [--port 3000]`: the same blog as a small web application.
 */
import { parseArgs } from 'node:util'
import { type Blog, openBlog } from './blog.js'
import { formatNumber, formatTime } from './format.js'
import { Progress } from './progress.js'
import { seed } from './seed.js'
import { tour } from './tour/tour.js'
import { serve } from './web/serve.js'

const POSTS = 10_000

const USAGE = `npm run demo                          a tour in the terminal
npm run demo -- --serve [--port 3000] the blog as a web application`

function options(): { readonly serve: boolean; readonly port: number } {
  const { values } = parseArgs({
    options: {
      serve: { type: 'boolean', default: false },
      port: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const port = Number(values.port ?? 3000)
  if (!/^\d+$/.test(values.port ?? '3000') || port > 65_535) {
    throw new Error(`--port: expected a number from 0 to 65535, got ${values.port}`)
  }
  if (values.port !== undefined && !values.serve) throw new Error('--port is for --serve')
  return { serve: values.serve, port }
}

function isUsage(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  return error.message.startsWith('--') || ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
}

async function prepare(): Promise<Blog> {
  const start = performance.now()
  process.stdout.write('\n  Starting an embedded PostgreSQL (PGlite) …\n')
  const blog = await openBlog()
  const started = performance.now()
  await seed(blog.plain, POSTS, new Progress('Writing posts', POSTS))
  const seeded = performance.now()
  console.log(
    `  Started in ${formatTime(started - start)}; ${formatNumber(POSTS)} posts written in ${formatTime(seeded - started)}.`,
  )
  return blog
}

async function main(): Promise<void> {
  const { serve: web, port } = options()
  const blog = await prepare()
  try {
    if (web) await serve(blog, port)
    else if (!(await tour(blog))) process.exitCode = 1
  } finally {
    await blog.close()
  }
}

try {
  await main()
} catch (error) {
  console.error(isUsage(error) ? `${error.message}\n\n${USAGE}` : error)
  process.exitCode = 1
}
