import type { PGlite, PGliteOptions } from '@electric-sql/pglite'
import pg from 'pg'
import type { Query } from '../../src/base/query.js'
import { createPGlite } from '../support/pglite.js'
import { createDatabase } from '../support/postgres.js'

/** One connection to an empty database of its own. */
export interface TestDatabase {
  readonly query: Query
  exec(sql: string): Promise<void>
  close(): Promise<void>
  /** For PostgreSQL: where to connect to for a second session. */
  readonly url?: string
}

const raw = { getTypeParser: () => (text: string) => text }
const same = (text: string) => text

/** Rows as the server sent them, from node-postgres. */
export function pgQuery(client: pg.Client): Query {
  return async (text, values = []) => {
    const { rows } = await client.query({ text, values: [...values], rowMode: 'array', types: raw })
    return rows
  }
}

/**
 * Rows as the server sent them, from PGlite or a transaction of it: each parser that it has, also those that it gets
 * later, is overridden. So is each serializer, as the parameters are wire text as well.
 */
export function pgliteQuery(db: PGlite, on: Pick<PGlite, 'query'> = db): Query {
  const parsers = new Proxy<Record<string, typeof same>>(
    {},
    {
      ownKeys: () => Reflect.ownKeys(db.parsers),
      getOwnPropertyDescriptor: () => ({ value: same, enumerable: true, configurable: true }),
      get: () => same,
    },
  )
  const serializers = new Proxy<Record<string, typeof same>>({}, { get: () => same })
  return async (sql, params = []) => {
    const options = { rowMode: 'array', parsers, serializers } as const
    const { rows } = await on.query<(string | null)[]>(sql, [...params], options)
    return rows
  }
}

export async function openPostgres(hint: string): Promise<TestDatabase> {
  const database = await createDatabase(hint)
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  return {
    url: database.url,
    query: pgQuery(client),
    exec: async (sql) => void (await client.query(sql)),
    close: async () => {
      await client.end()
      await database.drop()
    },
  }
}

export async function openPGlite(options: PGliteOptions = {}): Promise<TestDatabase> {
  const db = await createPGlite(options)
  return {
    query: pgliteQuery(db),
    exec: async (sql) => void (await db.exec(sql)),
    close: () => db.close(),
  }
}

export const SERVERS: readonly { readonly name: string; readonly open: () => Promise<TestDatabase> }[] = [
  { name: 'PostgreSQL', open: () => openPostgres('catalog') },
  { name: 'PGlite', open: () => openPGlite() },
]
