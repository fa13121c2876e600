import type pg from 'pg'
import type { Row } from './records.js'

/** The part of a pool or client that is used. */
type Queryable = Pick<pg.ClientBase, 'query'>

interface Sent {
  readonly id: number
  readonly grp: number
  readonly version: string
}

export interface Rules {
  readonly ids: number
  readonly groups: number
  readonly random: () => number
}

/** A write that is chosen, and not begun yet. */
export interface Write {
  readonly ids: readonly number[]
  /** Undefined: it was rolled back by itself. */
  run(pool: pg.Pool, op: string): Promise<readonly Row[] | undefined>
}

/** Every way to write that the cache must follow. */
export function someWrite(rules: Rules): Write {
  const all = [bump, bump, bump, bump, move, move, several, taken, replace, restore, bulkByIds, bulkByGroup]
  return pick(rules, all)(rules)
}

function bump(rules: Rules): Write {
  const id = someId(rules)
  return { ids: [id], run: async (pool, op) => rows(await update(pool, id, op)) }
}

function move(rules: Rules): Write {
  const id = someId(rules)
  const grp = someGroup(rules)
  const sql = 'UPDATE hot SET grp = $2, version = version + 1, note = $3 WHERE id = $1 RETURNING id, grp, version'
  return { ids: [id], run: async (pool, op) => rows((await pool.query<Sent>(sql, [id, grp, op])).rows) }
}

/** Several rows in a transaction, in the order of their ids: no deadlocks. */
function several(rules: Rules): Write {
  const ids = someIds(rules)
  return {
    ids,
    run: (pool, op) =>
      transaction(pool, async (client) => {
        const written: Sent[] = []
        for (const id of ids) written.push(...(await update(client, id, op)))
        return written
      }),
  }
}

/** One row, and another that is taken back with its savepoint. */
function taken(rules: Rules): Write {
  const ids = someIds(rules)
  const [first, ...others] = ids as [number, ...number[]]
  return {
    ids,
    run: (pool, op) =>
      transaction(pool, async (client) => {
        const written = await update(client, first, op)
        await client.query('SAVEPOINT s')
        for (const id of others) await update(client, id, op)
        await client.query('ROLLBACK TO s')
        return written
      }),
  }
}

/** It is gone for a moment only: a write that finds no row makes its process read past the table for a while (A13). */
function replace(rules: Rules): Write {
  const id = someId(rules)
  const grp = someGroup(rules)
  return {
    ids: [id],
    run: async (pool, op) => [
      ...(await transaction(pool, (client) => remove(client, id))),
      ...(await transaction(pool, (client) => comeBack(client, id, grp, op))),
    ],
  }
}

/** A process may have been killed between the two. */
function restore(rules: Rules): Write {
  const id = someId(rules)
  const grp = someGroup(rules)
  return { ids: [id], run: (pool, op) => transaction(pool, (client) => comeBack(client, id, grp, op)) }
}

/** Its version goes on from a table that nobody caches. */
async function remove(client: Queryable, id: number): Promise<readonly Row[]> {
  const sql = 'DELETE FROM hot WHERE id = $1 RETURNING id, grp, version'
  const [row] = (await client.query<Sent>(sql, [id])).rows
  if (row === undefined) return []
  const version = Number(row.version) + 1
  await client.query('INSERT INTO gone (id, version) VALUES ($1, $2)', [id, version])
  return [{ id, version }]
}

async function comeBack(client: Queryable, id: number, grp: number, op: string): Promise<readonly Sent[]> {
  const [row] = (await client.query<Sent>('DELETE FROM gone WHERE id = $1 RETURNING version', [id])).rows
  if (row === undefined) return []
  const sql = 'INSERT INTO hot (id, grp, version, note) VALUES ($1, $2, $3, $4) RETURNING id, grp, version'
  return (await client.query<Sent>(sql, [id, grp, Number(row.version) + 1, op])).rows
}

/** Raw, with its literals in the text. */
function bulkByIds(rules: Rules): Write {
  const ids = someIds(rules)
  return {
    ids,
    run: (pool, op) =>
      transaction(pool, async (client) => {
        await client.query(`SELECT id FROM hot WHERE id IN (${ids}) ORDER BY id FOR UPDATE`)
        const sql = `UPDATE hot SET version = version + 1, note = '${op}' WHERE id IN (${ids}) RETURNING id, grp, version`
        return (await client.query<Sent>(sql)).rows
      }),
  }
}

/** Without a word of which rows they are. Any row may be in the group by then. */
function bulkByGroup(rules: Rules): Write {
  const grp = someGroup(rules)
  return {
    ids: Array.from({ length: rules.ids }, (_, index) => index + 1),
    run: (pool, op) =>
      transaction(pool, async (client) => {
        await client.query('SELECT id FROM hot WHERE grp = $1 ORDER BY id FOR UPDATE', [grp])
        await client.query('UPDATE hot SET version = version + 1, note = $2 WHERE grp = $1', [grp, op])
        return (await client.query<Sent>('SELECT id, grp, version FROM hot WHERE note = $1', [op])).rows
      }),
  }
}

async function update(on: Queryable, id: number, op: string): Promise<Sent[]> {
  const sql = 'UPDATE hot SET version = version + 1, note = $2 WHERE id = $1 RETURNING id, grp, version'
  return (await on.query<Sent>(sql, [id, op])).rows
}

async function transaction(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<readonly (Sent | Row)[]>,
): Promise<readonly Row[]> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const written = await work(client)
    await client.query('COMMIT')
    client.release()
    return rows(written)
  } catch (error) {
    await client.query('ROLLBACK').then(
      () => client.release(),
      (lost: Error) => client.release(lost),
    )
    throw error
  }
}

/** Counts of the server come as text. */
export function rows(sent: readonly (Sent | Row)[]): readonly Row[] {
  return sent.map(({ id, version, grp }) => ({ id, version: Number(version), grp }))
}

function someId({ ids, random }: Rules): number {
  return 1 + Math.floor(random() * ids)
}

function someGroup({ groups, random }: Rules): number {
  return 1 + Math.floor(random() * groups)
}

/** Two or three, in their order. */
function someIds(rules: Rules): readonly number[] {
  const chosen = new Set([someId(rules), someId(rules), someId(rules)])
  return [...chosen].sort((a, b) => a - b)
}

export function pick<T>({ random }: Pick<Rules, 'random'>, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T
}
