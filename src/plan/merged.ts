import type { JoinSource } from '../sql/statement.js'
import { Bypass } from './bypass.js'
import { type Atom, same } from './dnf.js'
import { type ColumnUse, type Item, type MergedColumns, resolveColumn } from './scope.js'

/** What USING or NATURAL makes of the two sides: the columns that come out once, and what it says of them. */
export interface Merge {
  readonly item: MergedColumns
  readonly equal: readonly Atom[]
}

/** @throws Bypass where a side's columns are not known */
export function merge(source: JoinSource, left: ReadonlySet<Item>, right: ReadonlySet<Item>): Merge | undefined {
  if (source.using === undefined) return undefined
  const names = source.using === 'natural' ? commonNames(left, right) : source.using
  const columns = new Map<string, ColumnUse | undefined>()
  const equal: Atom[] = []
  for (const name of names) {
    const one = columnIn(left, name)
    const other = columnIn(right, name)
    const atom = one && other && same(one, other)
    if (atom) equal.push(atom)
    columns.set(name, one && other && chosen(source.join, one, other))
  }
  const sides = new Set([...left, ...right])
  return { item: { kind: 'merged', alias: source.usingAlias, columns, sides }, equal }
}

/** B2: a full join's column is of either side; columns of different types are converted. */
function chosen(join: JoinSource['join'], left: ColumnUse, right: ColumnUse): ColumnUse | undefined {
  if (join === 'full' || left.column.typeOid !== right.column.typeOid) return undefined
  return join === 'right' ? right : left
}

function columnIn(side: ReadonlySet<Item>, name: string): ColumnUse | undefined {
  return resolveColumn({ kind: 'column', path: [name], star: false }, { items: [...side], outer: undefined })
}

function commonNames(left: ReadonlySet<Item>, right: ReadonlySet<Item>): readonly string[] {
  const others = namesIn(right)
  return [...namesIn(left)].filter((name) => others.has(name))
}

function namesIn(side: ReadonlySet<Item>): ReadonlySet<string> {
  const names = new Set<string>()
  for (const item of side) {
    if (item.kind === 'merged') continue
    if (!item.columns) throw new Bypass('a NATURAL join of columns that are not known')
    for (const name of item.kind === 'table' ? item.columns.keys() : item.columns) names.add(name)
  }
  return names
}
