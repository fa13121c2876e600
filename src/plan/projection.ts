import type { ConjTemplate, Restriction, ValueSource } from '../invalidation/template.js'
import type { Conj, Dnf } from './dnf.js'
import type { ColumnUse, Occurrence } from './scope.js'

/** What a context says of one occurrence: constants travel over equalities between columns (A23). */
export function project(
  context: Dnf,
  occurrence: Occurrence,
  trusted: (source: ValueSource) => boolean,
): readonly ConjTemplate[] {
  const conjs: ConjTemplate[] = []
  const seen = new Set<string>()
  for (const conj of context) {
    const template = restrictionsOn(conj, occurrence, trusted)
    if (template.length === 0) return [[]]
    const key = JSON.stringify(template)
    if (!seen.has(key)) conjs.push(template)
    seen.add(key)
  }
  return conjs.length > 0 ? conjs : [[]]
}

const RANK = { null: 0, value: 0, list: 1, array: 2 } as const

function restrictionsOn(conj: Conj, occurrence: Occurrence, trusted: (source: ValueSource) => boolean): ConjTemplate {
  const classes = equalityClasses(conj)
  const best = new Map<string, Restriction>()
  const offer = (restriction: Restriction) => {
    const held = best.get(restriction.column)
    if (!held || RANK[restriction.kind] < RANK[held.kind]) best.set(restriction.column, restriction)
  }
  for (const atom of conj) {
    if (atom.kind !== 'restriction' || !sourcesOf(atom.restriction).every(trusted)) continue
    if (atom.on.occurrence === occurrence) offer(atom.restriction)
    // NULL equals nothing, so it does not travel.
    if (atom.restriction.kind === 'null') continue
    for (const use of classes.get(nameOf(atom.on)) ?? []) {
      if (use.occurrence === occurrence) offer({ ...atom.restriction, column: use.column.name })
    }
  }
  return [...best.values()].sort((a, b) => (a.column < b.column ? -1 : 1))
}

/** Where the values of a restriction come from. */
export function sourcesOf(restriction: Restriction): readonly ValueSource[] {
  switch (restriction.kind) {
    case 'null':
      return []
    case 'value':
      return [restriction.value]
    case 'list':
      return restriction.items
    case 'array':
      return [restriction.array]
  }
}

const occurrenceIds = new WeakMap<Occurrence, number>()
let nextOccurrence = 0

function nameOf(use: ColumnUse): string {
  let id = occurrenceIds.get(use.occurrence)
  if (id === undefined) {
    id = nextOccurrence++
    occurrenceIds.set(use.occurrence, id)
  }
  return `${id}.${use.column.name}`
}

/** Columns that a conj makes equal, by column; absent where a column is alone. */
function equalityClasses(conj: Conj): ReadonlyMap<string, readonly ColumnUse[]> {
  const classes = new Map<string, ColumnUse[]>()
  for (const atom of conj) {
    if (atom.kind !== 'same') continue
    const left = classes.get(nameOf(atom.left)) ?? [atom.left]
    const right = classes.get(nameOf(atom.right)) ?? [atom.right]
    if (left === right) continue
    const merged = [...left, ...right]
    for (const use of merged) classes.set(nameOf(use), merged)
  }
  return classes
}
