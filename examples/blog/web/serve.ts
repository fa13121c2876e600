import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Blog } from '../blog.js'
import { App } from './app.js'
import { send } from './http.js'
import { streamActivity } from './live.js'

const HOST = '127.0.0.1'

const FILES: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  '/style.css': { type: 'text/css', text: read('./style.css') },
  '/panel.css': { type: 'text/css', text: read('./panel.css') },
  '/live.js': { type: 'text/javascript', text: read('./browser.js') },
}

/** Serves the blog until it is told to end. */
export async function serve(blog: Blog, port: number): Promise<void> {
  const server = blogServer(blog)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`--port: ${port} is in use; choose another`) : error)
    })
    server.listen(port, HOST, resolve)
  })
  const address = server.address() as AddressInfo
  console.log(`\n  The blog is at http://${HOST}:${address.port}/ (Ctrl+C ends it)\n`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    // Panels stay connected for as long as they may.
    server.closeAllConnections()
  })
}

function blogServer(blog: Blog): Server {
  const app = new App(blog)
  return createServer((request, response) => {
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
    const file = FILES[path]
    if (file) send(response, 200, file.type, file.text)
    else if (path === '/events') streamActivity(app.log, request, response, new URLSearchParams(query))
    else void app.handle(request, response, path)
  })
}

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
}
