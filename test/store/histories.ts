import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Change } from '../../src/invalidation/dependency.js'
import type { Lease, Store } from '../../src/store/store.js'
import {
  COLUMNS,
  dependencyOf,
  imageOf,
  type Query,
  type Row,
  type Rows,
  resultOf,
  TABLE,
} from '../invalidation/model.js'
import type { MakeStore, StoreUnderTest } from './contract.js'
import { entry, type Find, read } from './reader.js'

/*
 * Random histories: readers and writers of one small table, stopped between all their steps. A reader takes its lease, asks
 * the database, stores; a writer commits, then invalidates, in any order with the others. An entry carries the number
 * of the last commit that its reader saw. It must not be served once a later commit that changes its result has been
 * acknowledged, that is invalidated.
 */

const SLOTS = 4
const KEYS = ['a', 'b', 'c'] as const

const value = fc.constantFrom('1', '2', null)
const row: fc.Arbitrary<Row> = fc.record({ a: value, b: value, c: value, d: value })
const query: fc.Arbitrary<Query> = fc.record({
  where: fc.record({ a: value, b: value, c: value }, { requiredKeys: [] }),
  read: fc.option(fc.subarray([...COLUMNS]), { nil: undefined }),
})
const other = fc.boolean()
const slot = fc.nat(SLOTS - 1)
const id = fc.nat(3)
const seen = fc.oneof(fc.constant([...COLUMNS]), fc.subarray([...COLUMNS]))

const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('fill' as const), query: fc.nat(3), other }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('lease' as const), slot, query: fc.nat(3), other }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const), slot }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('store' as const), slot }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('find' as const), query: fc.nat(3), other }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      id,
      row: fc.option(row),
      set: fc.constantFrom(...KEYS, 'd' as const, 'all' as const),
      before: seen,
      after: seen,
      columns: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('invalidate' as const), which: fc.nat(3), other }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('commit table' as const), row }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('commit database' as const), row, catalog: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('commit somewhere' as const), row }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose a commit' as const), other }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('commit unseen' as const), row }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('learn outcome' as const), other }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

interface Commit {
  readonly before: Rows
  readonly after: Rows
  acknowledged: boolean
}

interface Flight {
  readonly via: Store
  readonly query: Query
  readonly lease: Lease
  /** How many commits its answer has seen, once it has asked. */
  answered?: number
}

class History {
  readonly #test: StoreUnderTest
  readonly #queries: readonly Query[]
  readonly #commits: Commit[] = []
  readonly #queue: { readonly commit: Commit; readonly change: Change }[] = []
  readonly #flights = new Map<number, Flight>()
  #rows: Rows
  /** Whether the table is blocked, for a write whose outcome is unknown. */
  #unseen = false
  hits = 0

  constructor(test: StoreUnderTest, queries: readonly Query[], rows: readonly Row[]) {
    this.#test = test
    this.#queries = queries
    this.#rows = new Map(rows.map((each, index) => [index, each]))
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'find':
        await this.#find(step.query, step.other)
        break
      case 'fill': {
        const { via, lease } = (await this.#find(step.query, step.other)) ?? {}
        if (via && lease) await via.write(lease, entry(String(this.#commits.length)), 60_000)
        break
      }
      case 'lease': {
        const { via, query, lease } = (await this.#find(step.query, step.other)) ?? {}
        if (via && query && lease) this.#flights.set(step.slot, { via, query, lease })
        break
      }
      case 'ask': {
        const flight = this.#flights.get(step.slot)
        if (flight) flight.answered ??= this.#commits.length
        break
      }
      case 'store': {
        const flight = this.#flights.get(step.slot)
        if (flight?.answered === undefined) break
        // A joiner that came just now may take the answer if the lease stands.
        if (await flight.via.stands(flight.lease)) this.#check(flight.query, flight.answered, 'joined')
        await flight.via.write(flight.lease, entry(String(flight.answered)), 60_000)
        this.#flights.delete(step.slot)
        break
      }
      case 'commit':
        this.#commitRow(step)
        break
      case 'commit table':
        this.#queue.push({ commit: this.#commitAll(step.row), change: { kind: 'table', table: TABLE } })
        break
      case 'commit database':
        this.#queue.push({ commit: this.#commitAll(step.row), change: { kind: 'database', catalog: step.catalog } })
        break
      case 'commit somewhere':
        this.#queue.push({ commit: this.#commitAll(step.row), change: { kind: 'everything' } })
        break
      case 'invalidate': {
        const [done] = this.#queue.splice(step.which % (this.#queue.length || 1), 1)
        if (done === undefined) break
        await this.#via(step.other).invalidate('db', [done.change])
        done.commit.acknowledged = true
        break
      }
      // A2: the answer to a COMMIT is lost: the writer blocks, and the server commits later, or not.
      case 'lose a commit':
        this.#unseen = true
        await this.#via(step.other).block('db', [TABLE], 'token')
        break
      case 'commit unseen':
        if (this.#unseen) this.#commitAll(step.row).acknowledged = true
        break
      case 'learn outcome':
        this.#unseen = false
        await this.#via(step.other).unblock('db', 'token')
        break
      case 'lose':
        await this.#test.loseStamps()
        break
    }
  }

  #via(other: boolean): Store {
    return other ? this.#test.other : this.#test.store
  }

  async #find(index: number, other: boolean): Promise<{ via: Store; query: Query; lease: Lease } | undefined> {
    const via = this.#via(other)
    const query = this.#queries[index % this.#queries.length] as Query
    const dependency = dependencyOf(query)
    const find: Find = { key: JSON.stringify(query), database: 'db', tables: [TABLE], dependencies: [dependency] }
    const reply = await read(via, find)
    if (reply.kind === 'hit') {
      this.hits++
      this.#check(query, Number(reply.entry.rows[0]?.[0]), 'served')
    }
    return reply.kind === 'hit' || reply.kind === 'miss' ? { via, query, lease: reply.lease } : undefined
  }

  #check(query: Query, answered: number, how: string): void {
    this.#commits.forEach((commit, index) => {
      if (index < answered || !commit.acknowledged) return
      const stale = resultOf(query, commit.before) !== resultOf(query, commit.after)
      expect(stale, `${how} an answer of ${answered} commits, though commit ${index + 1} was acknowledged`).toBe(false)
    })
  }

  #commitAll(row: Row): Commit {
    return this.#commit(new Map([...this.#rows.keys()].map((each) => [each, row])))
  }

  #commit(after: Rows): Commit {
    const commit = { before: this.#rows, after, acknowledged: false }
    this.#rows = after
    this.#commits.push(commit)
    return commit
  }

  #commitRow(step: Step & { do: 'commit' }): void {
    const old = this.#rows.get(step.id)
    const set = step.set === 'all' ? COLUMNS : [step.set]
    const row = step.row && old && { ...old, ...Object.fromEntries(set.map((each) => [each, step.row?.[each]])) }
    const after = new Map(this.#rows)
    if (row) after.set(step.id, row)
    else if (step.row) after.set(step.id, step.row)
    else after.delete(step.id)
    const now = after.get(step.id)
    this.#queue.push({
      commit: this.#commit(after),
      change: {
        kind: 'rows',
        table: TABLE,
        before: old && imageOf([old], step.before),
        after: now && imageOf([now], step.after),
        columns: old && now && step.columns ? set : undefined,
      },
    })
  }
}

export function randomHistories(makeStore: MakeStore, runs: number): void {
  it('S4: no random history serves an answer from before an acknowledged write that changes it', async () => {
    let hits = 0
    const queries = fc.array(query, { minLength: 4, maxLength: 4 })
    const rows = fc.array(row, { minLength: 4, maxLength: 4 })
    const steps = fc.array(step, { minLength: 20, maxLength: 150, size: 'max' })
    await fc.assert(
      fc.asyncProperty(queries, rows, steps, fc.constantFrom(2, 128), async (asked, table, todo, maxSchemes) => {
        const test = await makeStore({ maxSchemes })
        try {
          const history = new History(test, asked, table)
          for (const each of todo) await history.run(each)
          hits += history.hits
        } finally {
          await test.end()
        }
      }),
      { numRuns: runs },
    )
    // A store that keeps nothing would pass otherwise.
    expect(hits).toBeGreaterThan(runs)
  }, 300_000)
}
