import type { Change, Dependency, RowChange, RowImage } from '../../src/invalidation/dependency.js'
import { makeScheme } from '../../src/invalidation/scheme.js'
import type { Entry, Invalidated, Lease, ReadReply, Store } from '../../src/store/store.js'

/** A read as the engine would ask it of a store. */
export interface Find {
  readonly key: string
  readonly database: string
  readonly tables: readonly string[]
  readonly dependencies: readonly Dependency[]
}

/** A find by a reader with a catalog of its own; without the stamp, the reader has just loaded it. */
export interface Asked extends Find {
  readonly catalogStamp?: string
}

export function find(of: {
  readonly key: string
  readonly table?: string
  readonly where: Readonly<Record<string, string | null>>
  readonly read: readonly string[] | undefined
}): Find {
  const table = of.table ?? 'public.t'
  const scheme = makeScheme(table, Object.keys(of.where), of.read)
  const values = scheme.compared.map((column) => of.where[column] as string | null)
  return { key: of.key, database: 'db', tables: [table], dependencies: [{ scheme, values }] }
}

/** A result of one value. */
export function entry(value: string): Entry {
  return { command: 'SELECT', rowCount: 1, fields: [{ name: 'v', dataTypeID: 25 }], rows: [[value]] }
}

export async function read(store: Store, asked: Asked): Promise<ReadReply> {
  const { key, database, tables, dependencies } = asked
  const catalogStamp = asked.catalogStamp ?? (await store.catalogStamp(database))
  return store.read({ key, database, tables, catalogStamp, dependencies: () => dependencies })
}

export async function hits(store: Store, asked: Asked): Promise<boolean> {
  return (await read(store, asked)).kind === 'hit'
}

/** The lease of a miss, or of the hit where the entry is there. */
export async function lease(store: Store, asked: Asked): Promise<Lease> {
  const reply = await read(store, asked)
  if (reply.kind === 'miss' || reply.kind === 'hit') return reply.lease
  throw new Error(`${asked.key}: expected a lease, not ${reply.kind}`)
}

/** A whole read: what is there stays, what is missing is stored. */
export async function fill(store: Store, asked: Asked, value = asked.key, ttl = 60_000): Promise<void> {
  const reply = await read(store, asked)
  if (reply.kind === 'hit') return
  if (reply.kind !== 'miss') throw new Error(`${asked.key}: expected a miss, not ${reply.kind}`)
  await store.write(reply.lease, entry(value), ttl)
}

/** `SELECT b FROM t WHERE a = …`. */
export function posts(a: string | null, key = `posts a=${a}`): Find {
  return find({ key, where: { a }, read: ['b'] })
}

type Values = Readonly<Record<string, string | null>>

function image(values: Values): RowImage {
  return { values: new Map(Object.entries(values)) }
}

export function update(before: Values, after: Values, columns?: readonly string[]): RowChange {
  return { kind: 'rows', table: 'public.t', before: image(before), after: image(after), columns }
}

export function insert(values: Values, table = 'public.t'): RowChange {
  return { kind: 'rows', table, before: undefined, after: image(values), columns: undefined }
}

export async function invalidate(via: Store, ...changes: readonly Change[]): Promise<Invalidated> {
  return via.invalidate('db', changes)
}
