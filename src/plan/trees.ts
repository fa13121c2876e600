import type { Catalog, Table } from '../catalog/catalog.js'

/** Whether the rows of a table can be followed: changes of them, by whatever name, have one id (B8). */
export function isFollowed(table: Table): boolean {
  return table.stampId !== undefined && !table.rules && (table.kind === 'table' || table.kind === 'partitioned table')
}

/** By what stamps, schemes and changes know a table. */
export function stampsOf(table: Table): string {
  return table.stampId ?? table.id
}

/** The table, with all others of its tree of partitions or of inheritance: its rows may be theirs. */
export function membersOf(catalog: Catalog, table: Table): readonly Table[] {
  if (table.stampId === undefined || !(table.inherits || table.kind === 'partitioned table')) return [table]
  return [...catalog.tables.values()].filter((other) => other.stampId === table.stampId)
}

/**
 * The columns that may differ when these are set (A9): a generated column follows what it reads, and a trigger that runs
 * before may change any: `undefined`.
 */
export function changedWith(columns: readonly string[], members: readonly Table[]): readonly string[] | undefined {
  const changed = new Set(columns)
  for (const { triggers, columns: all } of members) {
    if (triggers.some((trigger) => trigger.timing === 'before' && trigger.level === 'row')) return undefined
    for (const { name, generated, generatedFrom } of all) {
      if (generated && (generatedFrom.length === 0 || generatedFrom.some((from) => changed.has(from))))
        changed.add(name)
    }
  }
  return [...changed]
}
