import type pg from 'pg'
import type { Read, What } from './records.js'
import { pick, type Rules, rows } from './writes.js'

type Seen = Pick<Read, 'rows' | 'count' | 'columns'>

interface Sent {
  readonly id: number
  readonly grp: number
  readonly version: string
}

const WHATS: readonly What[] = ['key', 'star', 'list', 'digest', 'count', 'echo']

/** Runs one of the reads that are cached. */
export async function read(pool: pg.Pool, what: What, of: number): Promise<Seen> {
  switch (what) {
    case 'key':
      return { rows: rows((await pool.query<Sent>('SELECT id, grp, version FROM hot WHERE id = $1', [of])).rows) }
    case 'star': {
      const result = await pool.query<Sent>('SELECT * FROM hot WHERE id = $1', [of])
      return { rows: rows(result.rows), columns: result.fields.length }
    }
    case 'list':
      return {
        rows: rows((await pool.query<Sent>('SELECT id, version FROM hot WHERE grp = $1 ORDER BY id', [of])).rows),
      }
    case 'digest': {
      // An aggregate whose answer shows every row.
      const sql = `SELECT string_agg(id::text || ':' || version::text, ',') AS digest FROM hot WHERE grp = ${of}`
      return { rows: parsed((await pool.query<{ digest: string | null }>(sql)).rows[0]?.digest ?? '') }
    }
    case 'count': {
      const result = await pool.query<{ count: string }>('SELECT count(*) AS count FROM hot WHERE grp = $1', [of])
      return { rows: [], count: Number(result.rows[0]?.count) }
    }
    case 'echo':
      return { rows: rows((await pool.query<Sent>('SELECT id, version FROM echo WHERE id = $1', [of])).rows) }
  }
}

function parsed(digest: string): Read['rows'] {
  if (digest === '') return []
  return digest.split(',').map((pair) => {
    const [id, version] = pair.split(':').map(Number) as [number, number]
    return { id, version }
  })
}

export function someRead(rules: Rules): { readonly what: What; readonly of: number } {
  const what = pick(rules, WHATS)
  return { what, of: 1 + Math.floor(rules.random() * extent(rules, what)) }
}

/** Everything that is ever read. */
export function* everyRead(rules: Rules): Iterable<{ readonly what: What; readonly of: number }> {
  for (const what of WHATS) for (let of = 1; of <= extent(rules, what); of++) yield { what, of }
}

function extent({ ids, groups }: Rules, what: What): number {
  return what === 'key' || what === 'star' || what === 'echo' ? ids : groups
}
