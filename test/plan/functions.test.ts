import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PURE_FUNCTIONS, STABLE_FUNCTIONS } from '../../src/plan/functions.js'
import { createPGlite } from '../support/pglite.js'
import { createDatabase } from '../support/postgres.js'

/** A function of pg_catalog: its name, `i`, `s` or `v`. */
type Line = readonly [name: string, volatility: string]

const QUERY = `SELECT proname, provolatile FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace`

/** Words of the grammar, for which a server has functions by other names or none. */
const WORDS =
  'xmlconcat xmlelement xmlforest xmlparse xmlpi xmlroot xmltable json_objectagg json_arrayagg json json_array json_scalar ' +
  'json_serialize json_exists json_query json_value json_table'

describe('A10: the functions that count as pure', () => {
  const servers = new Map<string, readonly Line[]>()
  let drop: () => Promise<void>

  beforeAll(async () => {
    const database = await createDatabase('functions')
    drop = () => database.drop()
    const client = new pg.Client(database.url)
    await client.connect()
    servers.set('PostgreSQL', (await client.query({ text: QUERY, rowMode: 'array' })).rows as unknown as Line[])
    await client.end()
    const lite = await createPGlite()
    servers.set('PGlite', (await lite.query(QUERY, [], { rowMode: 'array' })).rows as unknown as Line[])
    await lite.close()
  })
  afterAll(() => drop())

  it('are immutable in every form, or stable for a reason that is told', () => {
    for (const [server, lines] of servers) {
      const wrong = lines.filter(
        ([name, volatility]) =>
          PURE_FUNCTIONS.has(name) && volatility !== 'i' && !(volatility === 's' && STABLE_FUNCTIONS.has(name)),
      )
      expect([server, wrong]).toEqual([server, []])
    }
  })

  it('exist', () => {
    const names = new Set([...servers.values()].flat().map(([name]) => name))
    const words = new Set(WORDS.split(' '))
    expect([...PURE_FUNCTIONS].filter((name) => !names.has(name) && !words.has(name))).toEqual([])
    expect([...words].filter((name) => names.has(name))).toEqual([])
  })
})
