import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Html } from './html.js'

const LARGEST_FORM = 16 * 1024

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
}

/** A request that is answered with a page that says what is wrong. */
export class HttpError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': `${type}; charset=utf-8` })
  response.end(body)
}

export const sendPage = (response: ServerResponse, status: number, page: Html): void =>
  send(response, status, 'text/html', page.text)

/** After a form: the browser asks for the page again, with GET. */
export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { ...HEADERS, Location: location })
  response.end()
}

export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const { origin, host } = request.headers
  if (origin !== undefined && origin !== `http://${host}`) throw new HttpError(403, 'This form is from another site.')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LARGEST_FORM) throw new HttpError(413, 'That is more than a form of this blog can hold.')
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}
