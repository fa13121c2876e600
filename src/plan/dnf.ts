import type { Restriction } from '../invalidation/template.js'
import type { SubqueryExpr } from '../sql/statement.js'
import type { ColumnUse, Item } from './scope.js'

/** What a condition says when it is true, as far as it can be used. */
export type Atom =
  | { readonly kind: 'restriction'; readonly on: ColumnUse; readonly restriction: Restriction }
  | { readonly kind: 'same'; readonly left: ColumnUse; readonly right: ColumnUse }
  /** A subquery that the condition evaluates, whatever it says. */
  | { readonly kind: 'subquery'; readonly query: SubqueryExpr }

export type Conj = readonly Atom[]
/** True if any conj is; `[[]]` is "true", for all we know. */
export type Dnf = readonly Conj[]

export const TRUE: Dnf = [[]]

/** Equality of two columns, if it can be used. A23: equal values are equal keys only between identical types and collations. */
export function same(left: ColumnUse, right: ColumnUse): Atom | undefined {
  const [a, b] = [left.column, right.column]
  const alike = a.keyType !== 'other' && a.typeOid === b.typeOid && a.collationOid === b.collationOid
  return alike ? { kind: 'same', left, right } : undefined
}

/** `left AND right`. Over the bound only what the smaller side says is kept, and every subquery of both. */
export function conjoin(left: Dnf, right: Dnf, maxConjs: number): Dnf {
  if (left === TRUE) return right
  if (right === TRUE) return left
  if (left.length * right.length > maxConjs) {
    const [kept, dropped] = left.length <= right.length ? [left, right] : [right, left]
    const subqueries = dropped.flat().filter((atom) => atom.kind === 'subquery')
    return kept.map((conj) => [...conj, ...subqueries])
  }
  return left.flatMap((a) => right.map((b) => (a.length === 0 ? b : b.length === 0 ? a : [...a, ...b])))
}

/** `one OR another OR …`. Over the bound it is "true", but its subqueries stay known. */
export function disjoin(parts: readonly Dnf[], maxConjs: number): Dnf {
  const conjs = parts.flat()
  if (conjs.length <= maxConjs) return conjs
  return [conjs.flat().filter((atom) => atom.kind === 'subquery')]
}

/** What is left of a context where nothing is known of these items, nor of subqueries. */
export function withoutItems(context: Dnf, items: ReadonlySet<Item>): Dnf {
  return context.map((conj) => conj.filter((atom) => !mentions(atom, items)))
}

export function withoutSubqueries(context: Dnf): Dnf {
  return context.map((conj) =>
    conj.some((atom) => atom.kind === 'subquery') ? conj.filter((atom) => atom.kind !== 'subquery') : conj,
  )
}

function mentions(atom: Atom, items: ReadonlySet<Item>): boolean {
  switch (atom.kind) {
    case 'restriction':
      return items.has(atom.on.occurrence)
    case 'same':
      return items.has(atom.left.occurrence) || items.has(atom.right.occurrence)
    case 'subquery':
      return true
  }
}
