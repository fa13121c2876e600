import { HttpError } from './http.js'

const ROUTES = [
  ['GET', '/', 'home'],
  ['GET', '/categories/:id', 'category'],
  ['GET', '/posts/:id', 'post'],
  ['GET', '/posts/:id/edit', 'edit'],
  ['POST', '/posts/:id', 'save'],
  ['POST', '/posts/:id/comments', 'comment'],
  ['POST', '/posts/:id/like', 'like'],
  ['POST', '/posts/:id/view', 'view'],
] as const

export type RouteName = (typeof ROUTES)[number][2]

/** Which page or action is meant, and the number in its path (0 where there is none). */
export function route(method: string, path: string): { readonly name: RouteName; readonly id: number } {
  const wanted = method === 'HEAD' ? 'GET' : method
  let elsewhere = false
  for (const [verb, pattern, name] of ROUTES) {
    // Ten digits are more than an integer column holds.
    const match = new RegExp(`^${pattern.replace(':id', '(\\d{1,9})')}$`).exec(path)
    if (match && verb === wanted) return { name, id: Number(match[1] ?? 0) }
    elsewhere ||= match !== null
  }
  throw elsewhere ? new HttpError(405, `${method} is not for this page.`) : new HttpError(404, 'There is no such page.')
}
