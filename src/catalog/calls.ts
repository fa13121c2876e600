import type { CatalogRows } from './rows.js'

/** The user functions that are called without being named, by what calls them. */
export interface UnseenCalls {
  /** By a table, when it is written or when it is named. */
  of(table: number, moment: 'read' | 'write'): readonly number[]
  /** When a value is stored in a column of that type: by casts on assignment, and by the domains in it. */
  storing(type: number): readonly number[]
  readonly operators: ReadonlyMap<string, readonly number[]>
  /** By the target's `typname`. */
  readonly casts: ReadonlyMap<string, readonly number[]>
  readonly implicit: readonly number[]
}

export function unseenCalls(rows: CatalogRows): UnseenCalls {
  const tables = new Lists<string>()
  for (const [table, fn, moment] of rows.calls) tables.add(`${table} ${moment}`, fn)
  const domains = new Lists<number>()
  for (const [type, fn] of rows.domainCalls) domains.add(type, fn)
  const types = new Map(rows.types.map((line) => [line[0], line]))

  /** A composite or a range may have a domain anywhere inside: all of them count. */
  const domainsIn = (type: number): readonly number[] => {
    const [, , , kind, base, , element] = types.get(type) ?? []
    if (kind === 'd') return [...domains.at(type), ...domainsIn(base ?? 0)]
    if (element) return domainsIn(element)
    return kind === undefined || kind === 'e' || kind === 'b' ? [] : [...domains.values()]
  }

  const operators = new Lists<string>()
  for (const [name, , , , , fn] of rows.operators) if (fn !== 0) operators.add(name, fn)
  const casts = new Lists<string>()
  const assigned = new Lists<number>()
  const implicit = new Set<number>()
  for (const [, target, context, typname, , , , fn] of rows.casts) {
    if (fn === 0) continue
    casts.add(typname, fn)
    if (context !== 'e') assigned.add(target, fn)
    if (context === 'i') implicit.add(fn)
  }
  for (const [type, , name] of rows.types) for (const fn of domainsIn(type)) casts.add(name, fn)

  return {
    of: (table, moment) => tables.at(`${table} ${moment}`),
    storing: (type) => {
      const calls = [...domainsIn(type)]
      // A value is converted to what a domain is over, or an array is of.
      for (let at: number | undefined = type; at; at = types.get(at)?.[4] || types.get(at)?.[6]) {
        calls.push(...assigned.at(at))
      }
      return calls
    },
    operators: operators.lists,
    casts: casts.lists,
    implicit: [...implicit],
  }
}

class Lists<Key> {
  readonly lists = new Map<Key, number[]>()

  add(key: Key, value: number): void {
    const list = this.lists.get(key)
    if (!list) this.lists.set(key, [value])
    else if (!list.includes(value)) list.push(value)
  }

  at(key: Key): readonly number[] {
    return this.lists.get(key) ?? []
  }

  values(): ReadonlySet<number> {
    return new Set([...this.lists.values()].flat())
  }
}
