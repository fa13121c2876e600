import type { Choices } from '../choices.js'
import { anyValue, isOrdered, literal } from '../kinds.js'
import { type ColumnModel, type Draft, plainColumn, settable, type TableModel, type ViewModel } from './model.js'

/** Views of every sort: through which rows can be written, joined, counted, of other views, with the clock inside. */
export function addViews(c: Choices, draft: Draft): void {
  const simple = c.some(draft.tables, 1, 2).map((table) => updatable(c, table, draft))
  if (c.chance(50)) ofView(c, c.pick(simple), draft)
  if (c.chance(50)) joined(c, draft)
  if (c.chance(40)) grouped(c, draft)
  if (c.chance(25)) limited(c, draft)
  if (c.chance(25)) byTrigger(c, c.pick(draft.tables), draft)
}

const names = (columns: readonly ColumnModel[]): string => columns.map(({ name }) => name).join(', ')

function condition(c: Choices, columns: readonly ColumnModel[]): string {
  const column = c.pick(columns)
  return c.weighted([
    [3, `${column.name} IS NOT NULL`],
    [4, `${column.name} = ${literal(column.kind, anyValue(column.kind, c))}`],
    // True on every day, and yet the server has to look at its clock.
    [1, `now() > '2001-01-01'`],
  ])
}

function updatable(c: Choices, base: TableModel, draft: Draft): ViewModel {
  const columns = c.chance(50) ? base.columns : c.some(base.columns, 2, base.columns.length)
  const name = `v_${base.name}`
  const define = (words: string) =>
    `${words} ${name}${c.chance(15) ? ' WITH (security_barrier)' : ''} AS SELECT ${names(columns)} FROM ${base.name}` +
    `${c.chance(70) ? ` WHERE ${condition(c, base.columns)}` : ''}`
  draft.ddl.push(`${define('CREATE VIEW')}${c.chance(15) ? ' WITH CHECK OPTION' : ''}`)
  const view = { name, columns, base }
  draft.views.push(view)
  const anew = define('CREATE OR REPLACE VIEW')
  draft.definitions.push(() => anew)
  return view
}

function ofView(c: Choices, inner: ViewModel, draft: Draft): void {
  const name = `w_${inner.name}`
  draft.ddl.push(
    `CREATE VIEW ${name} AS SELECT ${names(inner.columns)} FROM ${inner.name} WHERE ${condition(c, inner.columns)}`,
  )
  draft.views.push({ name, columns: inner.columns, base: inner.base })
}

function joined(c: Choices, draft: Draft): void {
  const [a, b] = [c.pick(draft.tables), c.pick(draft.tables)]
  const pairs = a.columns.flatMap((left) =>
    b.columns.filter(({ kind }) => kind === left.kind).map((right) => [left, right] as const),
  )
  const [left, right] = c.pick(pairs.filter(([{ kind }]) => kind !== 'nocase')) ?? []
  if (!left || !right) return
  const [mine, other] = [c.pick(a.columns), c.pick(b.columns)]
  draft.ddl.push(
    `CREATE VIEW vj AS SELECT a.id, a.${mine.name} AS m, b.${other.name} AS o, b.id AS b_id FROM ${a.name} a ` +
      `${c.pick(['JOIN', 'LEFT JOIN', 'LEFT JOIN'])} ${b.name} b ON a.${left.name} = b.${right.name}`,
  )
  const id = (table: TableModel) => (table.columns.find(({ name }) => name === 'id') as ColumnModel).kind
  draft.relations.push({
    name: 'vj',
    columns: [
      plainColumn('id', id(a)),
      plainColumn('m', mine.kind),
      plainColumn('o', other.kind),
      plainColumn('b_id', id(b)),
    ],
  })
}

function grouped(c: Choices, draft: Draft): void {
  const base = c.pick(draft.tables)
  const by = c.pick(base.columns.filter(({ kind }) => isOrdered(kind)))
  const counted = c.pick(base.columns)
  draft.ddl.push(
    `CREATE VIEW vg AS SELECT ${by.name} AS k, count(*) AS n, count(${counted.name}) AS f FROM ${base.name} GROUP BY ${by.name}` +
      `${c.chance(30) ? ' HAVING count(*) > 1' : ''}`,
  )
  draft.relations.push({
    name: 'vg',
    columns: [plainColumn('k', by.kind), plainColumn('n', 'bigint'), plainColumn('f', 'bigint')],
  })
}

/** A view through which no condition may be pushed. */
function limited(c: Choices, draft: Draft): void {
  const base = c.pick(draft.tables)
  const columns = base.columns.filter(({ kind }) => isOrdered(kind))
  const first = c.pick(columns)
  const order = [first, ...columns.filter((column) => column !== first)]
  draft.ddl.push(
    c.chance(50)
      ? `CREATE VIEW vl AS SELECT ${names(columns)} FROM ${base.name} ORDER BY ${names(order)} LIMIT 2`
      : `CREATE VIEW vl AS SELECT DISTINCT ON (${first.name}) ${names(columns)} FROM ${base.name} ORDER BY ${names(order)}`,
  )
  draft.relations.push({ name: 'vl', columns })
}

/** Written by a trigger, whatever the view reads. */
function byTrigger(c: Choices, base: TableModel, draft: Draft): void {
  const name = `vt_${base.name}`
  const set = c.pick(settable(base).filter((column) => column.name !== 'id' || base.columns.length === 1))
  if (!set) return
  draft.ddl.push(
    `CREATE VIEW ${name} AS SELECT ${names(base.columns)} FROM ${base.name} UNION ALL SELECT ${names(base.columns)} FROM ${base.name} WHERE false`,
    `CREATE FUNCTION on_${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ` +
      `UPDATE ${base.name} SET ${set.name} = ${literal(set.kind, anyValue(set.kind, c))} WHERE id = coalesce(NEW.id, OLD.id); RETURN NEW; END $$`,
    `CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON ${name} FOR EACH ROW EXECUTE FUNCTION on_${name}()`,
  )
  draft.views.push({ name, columns: base.columns, base: { ...base, key: [], unique: [] } })
}

/** What is kept as it was at the last REFRESH. */
export function addMaterialized(c: Choices, draft: Draft): void {
  const sources = [...draft.tables, ...draft.views]
  const base = c.pick(sources)
  const columns = c.some(base.columns, 1, 4)
  const where = c.chance(50) ? ` WHERE ${condition(c, base.columns)}` : ''
  draft.ddl.push(`CREATE MATERIALIZED VIEW mv AS SELECT ${names(columns)} FROM ${base.name}${where}`)
  draft.relations.push({ name: 'mv', columns })
  draft.materialized.push('mv')
  if (c.chance(50)) {
    draft.ddl.push(`CREATE VIEW vmv AS SELECT ${names(columns)} FROM mv`)
    draft.relations.push({ name: 'vmv', columns })
  }
}
