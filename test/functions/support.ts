import type { BypassEvent, ReadEvent } from '../../src/engine/events.js'
import type { App } from '../soundness/world.js'

/** Authors and posts. */
export const TABLES = `
  CREATE TABLE authors (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE posts (id integer PRIMARY KEY, author_id integer NOT NULL REFERENCES authors, title text NOT NULL, views integer NOT NULL DEFAULT 0);
  CREATE TABLE notes (id integer PRIMARY KEY, line text NOT NULL);
  INSERT INTO authors VALUES (1, 'Ada'), (2, 'Grace');
  INSERT INTO posts VALUES (1, 1, 'Notes'), (2, 1, 'Drafts'), (3, 2, 'Compilers');
  INSERT INTO notes VALUES (1, 'one');`

/** What was told of functions, in order: `name hit`, `name miss`, or `call: reason`. */
export function told(app: App): string[] {
  const lines: string[] = []
  app.cacheops.on('read', ({ fn, hit, joined }: ReadEvent) => {
    if (fn !== undefined) lines.push(`${fn} ${hit ? (joined ? 'joined' : 'hit') : 'miss'}`)
  })
  app.cacheops.on('bypass', ({ sql, reason }: BypassEvent) => {
    if (/^\w+\(/.test(sql)) lines.push(`${sql}: ${reason}`)
  })
  return lines
}

/** Something to wait for. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
