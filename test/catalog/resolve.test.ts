import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.js'
import { loadCatalog } from '../../src/catalog/load.js'
import { columnOf, isSystemColumn, resolveRelation, tableId } from '../../src/catalog/resolve.js'
import { parseSettings, settingsQuery } from '../../src/catalog/settings.js'
import { SERVERS, type TestDatabase } from './support.js'

describe.each(SERVERS)('names on $name', ({ open }) => {
  let db: TestDatabase
  let catalog: Catalog
  /** What the catalog says of a name, beside what the server says. */
  async function both(text: string, relation: { schema?: string; name: string }) {
    const [row] = await db.query(settingsQuery([]))
    const found = resolveRelation(catalog, relation, parseSettings(row ?? [], []).searchPath)
    const [server] = await db.query(
      `SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)`,
      [text],
    )
    const oid = server?.[0] ?? undefined
    return {
      ours: found === 'system' ? found : found?.oid,
      server: oid === undefined ? undefined : Number(oid) < 16384 ? 'system' : Number(oid),
    }
  }

  beforeAll(async () => {
    db = await open()
    await db.exec(`
      CREATE SCHEMA a; CREATE SCHEMA b; CREATE SCHEMA "a.b"; CREATE SCHEMA "Q""q";
      CREATE TABLE public.post (id int, oid int); CREATE TABLE a.post (id int); CREATE TABLE b.post (id int);
      CREATE TABLE b.only_b (id int); CREATE TABLE a.pg_class (id int); CREATE TABLE a.tables (id int);
      CREATE SEQUENCE a.shadow; CREATE TABLE b.shadow (id int);
      CREATE TABLE "a.b".c (id int); CREATE TABLE a."b.c" (id int); CREATE TABLE "Q""q"."Post" (id int);
      CREATE TEMP TABLE post (id int); CREATE TEMP TABLE pg_class (id int)`)
    catalog = await loadCatalog(db.query, 'd')
  })
  afterAll(() => db.close())

  test.each([
    'public',
    'a, public',
    'b, a',
    'a, b, pg_catalog',
    'public, pg_temp',
    'pg_catalog, public, pg_temp',
    'information_schema, a',
    'a, information_schema',
    '"a.b", a',
    '"Q""q"',
    'missing, b',
    `''`,
  ])('are resolved as the server does under search_path %s', async (path) => {
    await db.exec(`SET search_path = ${path}`)
    const names = ['post', 'only_b', 'pg_class', 'tables', 'shadow', 'c', 'b.c', 'Post', 'nothing', 'pg_toast_1255']
    for (const name of names) {
      const { ours, server } = await both(`"${name}"`, { name })
      expect([name, ours]).toEqual([name, server])
    }
    for (const schema of ['public', 'a', 'b', 'a.b', 'Q"q', 'pg_temp', 'pg_catalog', 'information_schema', 'missing']) {
      for (const name of ['post', 'pg_class', 'tables', 'c', 'b.c', 'Post']) {
        const { ours, server } = await both(`"${schema.replace('"', '""')}"."${name}"`, { schema, name })
        // A name that the system does not have fails on the server; it must only never be a table.
        if (server !== undefined || ours !== 'system') expect([schema, name, ours]).toEqual([schema, name, server])
      }
    }
    await db.exec('RESET search_path')
  })

  test('no two tables share an id', () => {
    expect(tableId('a.b', 'c')).not.toBe(tableId('a', 'b.c'))
    expect(tableId('public', 'Post')).toBe('public.Post')
    expect(catalog.byId.size).toBe(catalog.tables.size)
  })

  test('columns', () => {
    const post = catalog.byId.get('public.post')
    if (!post) throw new Error('no public.post')
    expect(columnOf(post, 'id')?.keyType).toBe('integer')
    expect(columnOf(post, 'ID')).toBeUndefined()
    for (const name of ['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid', 'oid'])
      expect(isSystemColumn(name)).toBe(true)
    expect(isSystemColumn('id')).toBe(false)
    expect(columnOf(post, 'oid')?.name).toBe('oid')
  })
})
