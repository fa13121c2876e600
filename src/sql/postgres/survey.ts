import type { OpaqueStatement, RelationName } from '../statement.js'
import type { Raw } from './raw.js'

/** What can be said of a tree without understanding it. */
export interface Survey {
  /** An INSERT, UPDATE, DELETE, MERGE or SELECT INTO stands somewhere in it. */
  readonly writes: boolean
  /** The tables that those write. */
  readonly written: readonly RelationName[]
  readonly locks: boolean
  readonly calls: NonNullable<OpaqueStatement['calls']>
  /** Relations that are no CTE's name; for display. */
  readonly relations: readonly RelationName[]
}

const WRITES = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

/** Looks at every object of the tree, whatever it is called and wherever it hangs. Not recursive: the tree may be deep. */
export function survey(root: unknown): Survey {
  const written = new Map<string, RelationName>()
  const relations = new Map<string, RelationName>()
  const calls = new Map<string, { readonly schema?: string; readonly name: string }>()
  const commonTables = new Set<unknown>()
  let writes = false
  let locks = false
  const open: unknown[] = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null) continue
    if (Array.isArray(value)) {
      // Not spread: a list may have more items than a call takes arguments.
      for (const item of value) open.push(item)
      continue
    }
    const body = value as Raw
    for (const field in body) {
      const inner = body[field]
      open.push(inner)
      if (WRITES.has(field)) {
        writes = true
        const relation = relationOf((inner as Raw).relation)
        if (relation) written.set(keyOf(relation), relation)
      } else if (field === 'intoClause') writes = true
      else if (field === 'lockingClause') locks = true
      else if (field === 'ctename') commonTables.add(inner)
      else if (field === 'funcname') {
        const name = nameOf(inner)
        if (name) calls.set(`${name.schema}.${name.name}`, name)
      } else if (field === 'fields' || field === 'indirection') {
        for (const name of namesBehind(field === 'fields' ? 1 : 0, inner)) calls.set(`undefined.${name}`, { name })
      }
    }
    const relation = relationOf(body)
    if (relation) relations.set(keyOf(relation), relation)
  }
  return {
    writes,
    written: [...written.values()],
    locks,
    calls: [...calls.values()],
    relations: [...relations.values()].filter(({ schema, name }) => schema !== undefined || !commonTables.has(name)),
  }
}

const keyOf = ({ schema, name }: RelationName): string => JSON.stringify([schema, name])

function relationOf(value: unknown): RelationName | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { schemaname, relname } = value as Raw
  if (typeof relname !== 'string') return undefined
  return { ...(typeof schemaname === 'string' && { schema: schemaname }), name: relname }
}

/** Names behind a dot: `t.f` and `(x).f` call the function f where there is no such column. */
function namesBehind(first: number, value: unknown): readonly string[] {
  if (!Array.isArray(value)) return []
  return value.slice(first).flatMap((item: { readonly String?: { readonly sval?: string } }) => item.String?.sval ?? [])
}

/** A list of String nodes, read without complaint. */
function nameOf(value: unknown): { readonly schema?: string; readonly name: string } | undefined {
  if (!Array.isArray(value)) return undefined
  const parts = value.map((item: { readonly String?: { readonly sval?: string } }) => item.String?.sval ?? '')
  const name = parts.pop()
  return name === undefined ? undefined : { ...(parts.length > 0 && { schema: parts.join('.') }), name }
}
