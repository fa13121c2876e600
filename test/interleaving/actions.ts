import fc from 'fast-check'
import type { App } from '../soundness/world.js'
import type { History, Item } from './history.js'

export const GROUPS = 3
export const ITEMS = 5

export const SCHEMA = `
  CREATE TABLE groups (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE items (id integer PRIMARY KEY, grp integer NOT NULL REFERENCES groups ON UPDATE CASCADE, v integer NOT NULL, note text);
  INSERT INTO groups SELECT i, 'group ' || i FROM generate_series(0, ${GROUPS - 1}) i;`

/** What an actor can do. */
export type Action =
  | { readonly kind: 'get' | 'list' | 'sum' | 'join'; readonly arg: number; readonly inside: boolean }
  | { readonly kind: 'pair'; readonly arg: number; readonly other: number }
  | { readonly kind: 'bump' | 'move' | 'upsert' | 'move if'; readonly id: number; readonly grp: number }
  | { readonly kind: 'bulk'; readonly grp: number; readonly to: number }
  | { readonly kind: 'insert'; readonly grp: number }
  | { readonly kind: 'string'; readonly id: number; readonly grp: number }
  | { readonly kind: 'transaction'; readonly steps: readonly Step[]; readonly end: End }

interface Step {
  readonly id: number
  readonly grp: number
  readonly undone: boolean
}
type End = 'commit' | 'rollback' | 'lost' | 'cut'

const id = fc.integer({ min: 1, max: ITEMS })
const grp = fc.nat(GROUPS - 1)

const read = fc.oneof(
  fc.record({ kind: fc.constantFrom('get' as const), arg: id, inside: fc.boolean() }),
  fc.record({
    kind: fc.constantFrom('list' as const, 'sum' as const, 'join' as const),
    arg: grp,
    inside: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('pair' as const), arg: id, other: id }),
)
const step = fc.record({ id, grp, undone: fc.boolean() })
const end = fc.oneof(
  { arbitrary: fc.constant<End>('commit'), weight: 5 },
  { arbitrary: fc.constantFrom<End>('rollback', 'lost', 'cut'), weight: 3 },
)
const write = fc.oneof(
  {
    arbitrary: fc.record({ kind: fc.constantFrom('bump' as const, 'move' as const, 'upsert' as const), id, grp }),
    weight: 6,
  },
  { arbitrary: fc.record({ kind: fc.constant('bulk' as const), grp, to: grp }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('insert' as const), grp }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('string' as const), id, grp }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('move if' as const), id, grp }), weight: 1 },
  {
    arbitrary: fc.record({
      kind: fc.constant('transaction' as const),
      steps: fc.array(step, { minLength: 1, maxLength: 3 }),
      end,
    }),
    weight: 4,
  },
)

/** An actor: a process, and what it does, one after another. Reads are more than writes, and of what is written. */
export const actor = fc.record({
  app: fc.nat(2),
  actions: fc.array(fc.oneof({ arbitrary: read, weight: 3 }, { arbitrary: write, weight: 2 }), {
    minLength: 1,
    maxLength: 4,
  }),
})

export const GET = 'SELECT id, grp, v FROM items WHERE id = $1'
export const LIST = 'SELECT id, grp, v FROM items WHERE grp = $1 ORDER BY id'
export const PAIR = 'SELECT id, grp, v FROM items WHERE id IN ($1, $2) ORDER BY id'
export const SUM = 'SELECT count(*)::integer AS n, coalesce(sum(v), 0)::integer AS s FROM items WHERE grp = $1'
export const JOIN = 'SELECT i.id, i.grp, i.v FROM items i JOIN groups g ON g.id = i.grp WHERE g.name = $1 ORDER BY i.id'

const BUMP = 'UPDATE items SET v = v + 1 WHERE id = $1 RETURNING id, grp, v'
const MOVE = 'UPDATE items SET v = v + 1, grp = $2 WHERE id = $1 RETURNING id, grp, v'
const UPSERT =
  'INSERT INTO items (id, grp, v) VALUES ($1, $2, 1) ON CONFLICT (id) DO UPDATE SET v = items.v + 1, grp = excluded.grp RETURNING id, grp, v'

/** What goes on between the actors, and what was found wrong. */
export interface Stage {
  readonly history: History
  readonly wrong: string[]
  /** Makes a client whose socket can be broken. */
  client(app: App): Promise<Breakable>
  /** A key that was never used. */
  fresh(): number
}

export interface Breakable {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: Record<string, unknown>[] }>
  /** Breaks the socket when a text is sent: right before it, or right after. */
  breakAt(text: string, sent: boolean): void
  end(): Promise<void>
}

export async function act(stage: Stage, app: App, action: Action): Promise<void> {
  const { history } = stage
  switch (action.kind) {
    case 'get':
      return rows(stage, app, GET, [action.arg], action.inside, (item) => item.id === action.arg)
    case 'pair':
      return rows(
        stage,
        app,
        PAIR,
        [action.arg, action.other],
        false,
        ({ id }) => id === action.arg || id === action.other,
      )
    case 'list':
      return rows(stage, app, LIST, [action.arg], action.inside, (item) => item.grp === action.arg)
    case 'join':
      return rows(stage, app, JOIN, [`group ${action.arg}`], action.inside, (item) => item.grp === action.arg)
    case 'sum': {
      const begun = history.reads()
      const [sum] = await ask(app, SUM, [action.arg], action.inside)
      const found = sum as unknown as { n: number; s: number }
      note(
        stage,
        app,
        action.kind,
        history.wrongSum(begun, found, (item) => item.grp === action.arg),
      )
      return
    }
    case 'bump':
      return autocommit(stage, app, [action.id], BUMP, [action.id])
    case 'move':
      return autocommit(stage, app, [action.id], MOVE, [action.id, action.grp])
    case 'upsert':
      return autocommit(stage, app, [action.id], UPSERT, [action.id, action.grp])
    case 'insert': {
      const key = stage.fresh()
      return autocommit(stage, app, [key], UPSERT, [key, action.grp])
    }
    case 'move if': {
      // Optimistic: often it finds that it came too late.
      const [seen] = await ask(app, GET, [action.id], false)
      const text = 'UPDATE items SET v = v + 1, grp = $2 WHERE id = $1 AND v = $3 RETURNING id, grp, v'
      return autocommit(stage, app, [action.id], text, [action.id, action.grp, seen?.v ?? 0])
    }
    case 'bulk':
      return autocommit(stage, app, 'any', 'UPDATE items SET v = v + 1, grp = $2 WHERE grp = $1 RETURNING id, grp, v', [
        action.grp,
        action.to,
      ])
    case 'string': {
      const done = history.writes([action.id])
      const text = `UPDATE items SET v = v + 1, grp = ${action.grp} WHERE id = ${action.id}; SELECT id, grp, v FROM items WHERE id = ${action.id}`
      try {
        const results = (await app.pool.query(text)) as unknown as { rows: Item[] }[]
        done(results[1]?.rows ?? [])
      } catch (error) {
        done(failed(error))
      }
      return
    }
    case 'transaction':
      return transaction(stage, app, action.steps, action.end)
  }
}

async function rows(
  stage: Stage,
  app: App,
  text: string,
  values: unknown[],
  inside: boolean,
  wanted: (item: Item) => boolean,
) {
  const begun = stage.history.reads()
  const found = (await ask(app, text, values, inside)) as unknown as Item[]
  note(stage, app, `${text} [${values}]`, stage.history.wrong(begun, found, wanted))
}

async function ask(app: App, text: string, values: unknown[], inside: boolean): Promise<Record<string, unknown>[]> {
  if (!inside) return (await app.pool.query(text, values)).rows
  return app.on(async (client) => {
    await client.query('BEGIN')
    const result = await client.query(text, values)
    await client.query('COMMIT')
    return result.rows
  })
}

function note(stage: Stage, app: App, what: string, wrong: string | undefined): void {
  if (wrong !== undefined) stage.wrong.push(`${what}${app.engine.closed ? ' (closed)' : ''}: ${wrong}`)
}

async function autocommit(
  stage: Stage,
  app: App,
  ids: readonly number[] | 'any',
  text: string,
  values: unknown[],
): Promise<void> {
  const done = stage.history.writes(ids)
  try {
    done((await app.pool.query(text, values)).rows as unknown as Item[])
  } catch (error) {
    done(failed(error))
  }
}

async function transaction(stage: Stage, app: App, steps: readonly Step[], end: End): Promise<void> {
  const done = stage.history.writes([...new Set(steps.map((step) => step.id))])
  const client = end === 'lost' || end === 'cut' ? await stage.client(app) : undefined
  const run = async (on: Pick<Breakable, 'query'>): Promise<readonly Item[] | 'unknown'> => {
    let kept: Item[] = []
    try {
      await on.query('BEGIN')
      for (const step of steps) {
        await on.query('SAVEPOINT s')
        const { rows: changed } = await on.query(MOVE, [step.id, step.grp])
        if (step.undone) await on.query('ROLLBACK TO s')
        else kept.push(...(changed as unknown as Item[]))
      }
      client?.breakAt('COMMIT', end === 'cut')
      await on.query(end === 'rollback' ? 'ROLLBACK' : 'COMMIT')
      if (end === 'rollback') kept = []
    } catch (error) {
      if (client) return 'unknown'
      await on.query('ROLLBACK')
      return failed(error)
    }
    return kept
  }
  try {
    done(await (client ? run(client) : app.on((pooled) => run(pooled as unknown as Breakable))))
  } finally {
    await client?.end()
  }
}

/** Deadlocks are part of the game; anything else is not. */
function failed(error: unknown): readonly Item[] {
  if ((error as { code?: unknown }).code === '40P01') return []
  throw error
}
