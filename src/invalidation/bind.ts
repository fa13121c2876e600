import { canonical } from './canonical.js'
import type { Dependency, Scheme } from './dependency.js'
import { conjKey, makeScheme } from './scheme.js'
import type { BindLimits, CallValues, ConjTemplate, DependencyTemplate, Restriction, ValueSource } from './template.js'

/** The text of a value and what kind of literal it was; `undefined` where it is not text (bytes) or is missing. */
export function textOf(
  source: ValueSource,
  values: CallValues,
):
  | { readonly text: string | null; readonly literal: 'param' | 'integer' | 'float' | 'string' | 'boolean' | 'null' }
  | undefined {
  switch (source.kind) {
    case 'param': {
      const value = values.params[source.index]
      if (value === null) return { text: null, literal: 'null' }
      return typeof value === 'string' ? { text: value, literal: 'param' } : undefined
    }
    case 'literal': {
      const literal = values.literals[source.slot]
      if (literal === undefined) return undefined
      return { text: source.negated ? `-${literal.value}` : literal.value, literal: literal.kind }
    }
    case 'constant':
      return { text: source.value, literal: source.literal }
  }
}

/**
 * The key of a value for a column, `null` for SQL NULL, or `undefined` where the value restricts nothing: a spelling
 * that we do not recognise, or a literal of another family than the column's (B9).
 */
function keyOf(restriction: Restriction, source: ValueSource, values: CallValues): string | null | undefined {
  const value = textOf(source, values)
  if (value === undefined) return undefined
  if (value.text === null) return null
  switch (restriction.keyType) {
    case 'integer':
      if (value.literal === 'float' || value.literal === 'boolean') return undefined
      break
    case 'boolean':
      if (value.literal === 'integer' || value.literal === 'float') return undefined
      break
    default:
      if (value.literal !== 'string' && value.literal !== 'param') return undefined
  }
  return canonical(restriction.keyType, value.text)
}

/** The elements of a one-dimensional array in PostgreSQL's text form; `undefined` where it is anything else (B4). */
function arrayElements(text: string): (string | null)[] | undefined {
  if (!text.startsWith('{') || !text.endsWith('}')) return undefined
  const elements: (string | null)[] = []
  let at = 1
  const end = text.length - 1
  if (at === end) return elements
  for (;;) {
    if (text[at] === '"') {
      let value = ''
      at++
      while (at < end && text[at] !== '"') {
        if (text[at] === '\\') at++
        value += text[at]
        at++
      }
      if (at >= end) return undefined
      elements.push(value)
      at++
    } else {
      let stop = at
      while (stop < end && text[stop] !== ',') {
        const char = text[stop] as string
        // Nested arrays, escapes and white space need the server's own rules.
        if ('{}"\\'.includes(char) || /\s/.test(char)) return undefined
        stop++
      }
      const word = text.slice(at, stop)
      if (word === '') return undefined
      elements.push(/^null$/i.test(word) ? null : word)
      at = stop
    }
    if (at === end) return elements
    if (text[at] !== ',') return undefined
    at++
  }
}

/** The values that a restriction lets through, or `undefined` where it must count as true. */
function valuesOf(
  restriction: Restriction,
  values: CallValues,
  limits: BindLimits,
): readonly (string | null)[] | undefined {
  switch (restriction.kind) {
    case 'null':
      return [null]
    case 'value': {
      const key = keyOf(restriction, restriction.value, values)
      return key === undefined ? undefined : [key]
    }
    case 'list': {
      if (restriction.items.length > limits.longDisjunction) {
        // A long list of few values is still short (ORMs repeat the keys of to-one includes).
        const distinct = new Set(restriction.items.map((item) => keyOf(restriction, item, values)))
        return distinct.has(undefined) || distinct.size > limits.longDisjunction
          ? undefined
          : ([...distinct] as (string | null)[])
      }
      const keys = new Set<string | null>()
      for (const item of restriction.items) {
        const key = keyOf(restriction, item, values)
        if (key === undefined) return undefined
        keys.add(key)
      }
      return [...keys]
    }
    case 'array': {
      const array = textOf(restriction.array, values)
      if (array === undefined || array.text === null) return undefined
      const elements = arrayElements(array.text)
      if (elements === undefined || elements.length > limits.longDisjunction * 8) return undefined
      const keys = new Set<string | null>()
      for (const element of elements) {
        if (element === null) continue // `= NULL` lets no row through
        const key = canonical(restriction.keyType, element)
        if (key === undefined) return undefined
        keys.add(key)
      }
      return keys.size > limits.longDisjunction ? undefined : [...keys]
    }
  }
}

interface Choice {
  readonly column: string
  readonly values: readonly (string | null)[]
}

/**
 * The combinations of values that a conj lets through: one entry a combination, columns sorted by name. Restrictions
 * that cannot be kept are dropped, which only lets more rows through (S2).
 */
export function bindConj(
  conj: ConjTemplate,
  values: CallValues,
  limits: BindLimits,
): { readonly columns: readonly string[]; readonly combinations: readonly (readonly (string | null)[])[] } {
  let choices: Choice[] = []
  for (const restriction of conj) {
    const allowed = valuesOf(restriction, values, limits)
    if (allowed !== undefined) choices.push({ column: restriction.column, values: allowed })
  }
  while (sizeOf(choices) > limits.maxConjs) {
    const longest = choices.reduce((a, b) => (b.values.length > a.values.length ? b : a))
    choices = choices.filter((choice) => choice !== longest)
  }
  if (choices.length > 1) choices.sort((a, b) => (a.column < b.column ? -1 : a.column > b.column ? 1 : 0))
  let combinations: (string | null)[][] = [[]]
  for (const { values: allowed } of choices) {
    // Nearly all have one value: the lists, which are nobody else's yet, are made longer then.
    if (allowed.length === 1) for (const head of combinations) head.push(allowed[0] as string | null)
    else combinations = combinations.flatMap((head) => allowed.map((value) => [...head, value]))
  }
  return { columns: choices.map((choice) => choice.column), combinations }
}

function sizeOf(choices: readonly Choice[]): number {
  let size = 1
  for (const { values } of choices) size *= values.length
  return size
}

/** Most schemes of one template that are remembered: which of its columns are compared depends on the values. */
const REMEMBERED = 32
const schemes = new WeakMap<DependencyTemplate, Scheme[]>()

/** `makeScheme` of the template with these columns, sorted, without the cost of naming the shape each time. */
function schemeOf(template: DependencyTemplate, columns: readonly string[]): Scheme {
  let known = schemes.get(template)
  if (known === undefined) {
    known = []
    schemes.set(template, known)
  }
  for (const scheme of known) if (isSame(scheme.compared, columns)) return scheme
  const scheme = makeScheme(template.table, columns, template.read)
  if (known.length < REMEMBERED) known.push(scheme)
  return scheme
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  if (some.length !== others.length) return false
  for (let index = 0; index < some.length; index++) if (some[index] !== others[index]) return false
  return true
}

/** Binds the values of a call: every (scheme, values) that a row could meet to matter to the read. */
export function bind(
  templates: readonly DependencyTemplate[],
  values: CallValues,
  limits: BindLimits,
): readonly Dependency[] {
  const all: Dependency[] = []
  for (const template of templates) {
    const bound: Dependency[] = []
    let any = false
    for (const conj of template.conjs) {
      const { columns, combinations } = bindConj(conj, values, limits)
      const scheme = schemeOf(template, columns)
      if (columns.length === 0) any = true
      // No combination: no row can meet the conj. The table stays a dependency, by any row: coarser, never wrong.
      if (combinations.length === 0) any = true
      for (const combination of combinations) bound.push({ scheme, values: combination })
    }
    const coarse = any || bound.length === 0 || bound.length > limits.maxConjs
    if (coarse) all.push({ scheme: schemeOf(template, []), values: [] })
    else for (const dependency of bound) all.push(dependency)
  }
  return all.length > 1 ? distinct(all) : all
}

function distinct(dependencies: readonly Dependency[]): readonly Dependency[] {
  const byName = new Map<string, Dependency>()
  for (const dependency of dependencies) byName.set(`${dependency.scheme.id}:${conjKey(dependency.values)}`, dependency)
  return [...byName.values()]
}
