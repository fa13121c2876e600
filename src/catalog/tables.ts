import type { UnseenCalls } from './calls.js'
import type { Column, Reference, RowPolicy, Table, Trigger, UniqueKey } from './catalog.js'
import { keyType } from './equality.js'
import { tableId } from './resolve.js'
import type { CatalogRows, ColumnLine, KeyLine, PolicyLine, RelationLine } from './rows.js'
import { buildTrees } from './trees.js'
import { viewFacts } from './views.js'

const KINDS = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
  S: 'other',
} as const

const COMMANDS = { '*': 'all', r: 'select', a: 'insert', w: 'update', d: 'delete' } as const

/** Every relation, by its oid. `referencesOf` gives the list that the caller fills. */
export function buildTables(
  rows: CatalogRows,
  overloaded: ReadonlySet<number>,
  unseen: UnseenCalls,
  referencesOf: (oid: number) => readonly Reference[],
): ReadonlyMap<number, Table> {
  const columns = grouped(rows.columns)
  const generated = grouped(rows.generated)
  const keys = grouped(rows.keys)
  const triggers = grouped(rows.triggers)
  const policies = grouped(rows.policies)
  const parents = grouped(rows.inherits)
  const children = grouped(rows.inherits.map(([child, parent]) => [parent, child] as const))
  const materialized = new Set(rows.relations.filter((relation) => relation[3] === 'm').map(([oid]) => oid))
  const views = viewFacts(rows.views, materialized, (oid) => unseen.of(oid, 'read'))
  const trees = buildTrees(rows)
  const relations = new Map(rows.relations.map((relation) => [relation[0], relation]))
  const written = (oid: number): readonly number[] => [
    ...unseen.of(oid, 'write'),
    ...columns(oid).flatMap((column) => unseen.storing(column[3])),
  ]
  const stampId = (relation: RelationLine): string | undefined => {
    const [oid, , , kind, temporary] = relation
    if (temporary || kind === 'v' || kind === 'f' || kind === 'S') return undefined
    const tree = trees.get(oid)
    const root = tree ? relations.get(tree.root ?? 0) : relation
    return root && tableId(root[1], root[2])
  }

  return new Map(
    rows.relations.map((relation) => {
      const [oid] = relation
      const built = buildColumns(columns(oid), generated(oid), overloaded)
      const stored = materialized.has(oid)
      const view = stored ? undefined : views.get(oid)
      const table: Table = {
        ...named(relation),
        columns: built,
        column: new Map(built.map((column) => [column.name, column])),
        keys: keys(oid).map((key) => buildKey(key, built)),
        references: referencesOf(oid),
        triggers: triggers(oid).map(([, name, type, functionOid]) => buildTrigger(name, type, functionOid)),
        inherits: parents(oid).length + children(oid).length > 0,
        parents: parents(oid).map(([, parent]) => parent),
        children: children(oid).map(([, child]) => child),
        stampId: stampId(relation),
        policies: policies(oid).map(buildPolicy),
        writeCalls: stored
          ? (views.get(oid)?.calls ?? [])
          : [...new Set((trees.get(oid)?.members ?? [oid]).flatMap(written))],
        readCalls: stored ? [] : unseen.of(oid, 'read'),
        viewReads: view?.reads ?? [],
        definition: view?.definition ?? '',
        pure: view?.pure ?? true,
      }
      return [oid, table]
    }),
  )
}

function named([oid, schema, name, kind, temporary, rowSecurity, rules]: RelationLine) {
  return { oid, schema, name, id: tableId(schema, name), kind: KINDS[kind], temporary, rowSecurity, rules }
}

function buildColumns(
  lines: readonly ColumnLine[],
  generated: CatalogRows['generated'],
  overloaded: ReadonlySet<number>,
): readonly Column[] {
  const names = new Map(lines.map(([, name, position]) => [position, name]))
  return lines.map((line) => {
    const [, name, position, typeOid, typeName, typname, typeSchema, , typeModifier, collationOid] = line
    const [, , , , , , , , , , , notNull, generation, identity] = line
    return {
      name,
      position,
      typeOid,
      typeName,
      typname,
      typeSchema,
      typeModifier,
      collationOid,
      keyType: keyType(line, overloaded),
      notNull,
      generated: generation !== '',
      generatedFrom: generated.filter((entry) => entry[1] === position).map((entry) => names.get(entry[2]) as string),
      identity: identity !== '',
    }
  })
}

function buildKey([, primary, positions, compared, nullsNotDistinct]: KeyLine, columns: readonly Column[]): UniqueKey {
  const byPosition = new Map(columns.map((column) => [column.position, column]))
  const members = positions.slice(0, compared).map((position) => byPosition.get(position) as Column)
  return {
    columns: members.map((column) => column.name),
    primary,
    nullable: !nullsNotDistinct && members.some((column) => !column.notNull),
  }
}

function buildPolicy([, name, command, using, check]: PolicyLine): RowPolicy {
  return { name, command: COMMANDS[command], using, check }
}

/** The bits of `pg_trigger.tgtype`. */
function buildTrigger(name: string, type: number, functionOid: number): Trigger {
  const events: Trigger['events'][number][] = []
  if (type & 4) events.push('insert')
  if (type & 16) events.push('update')
  if (type & 8) events.push('delete')
  if (type & 32) events.push('truncate')
  return {
    name,
    timing: type & 64 ? 'instead of' : type & 2 ? 'before' : 'after',
    level: type & 1 ? 'row' : 'statement',
    events,
    functionOid,
  }
}

/** The lines of a table; every line begins with its oid. */
function grouped<Line extends readonly [number, ...unknown[]]>(
  lines: readonly Line[],
): (table: number) => readonly Line[] {
  const groups = new Map<number, Line[]>()
  for (const line of lines) {
    const group = groups.get(line[0])
    if (group) group.push(line)
    else groups.set(line[0], [line])
  }
  return (table) => groups.get(table) ?? []
}
