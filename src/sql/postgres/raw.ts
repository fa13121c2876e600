/**
 * Reading libpg-query's tree with suspicion: every node kind, field and enum that a reader does not name is a
 * `NotUnderstood` (S1: never a guess). Absent fields mean zero, false or empty, as protobuf has it.
 */
export class NotUnderstood extends Error {}

export type Raw = Readonly<Record<string, unknown>>

export interface RawNode {
  readonly type: string
  readonly body: Raw
}

const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value)

/** `{ "ColumnRef": {…} }` → its kind and its fields. */
export function nodeOf(value: unknown): RawNode {
  if (isRaw(value)) {
    const types = Object.keys(value)
    const [type] = types
    if (type !== undefined && types.length === 1) {
      const body = value[type]
      if (isRaw(body)) return { type, body }
    }
  }
  throw new NotUnderstood('a node of an unknown shape')
}

/** Throws where `body` has a field that is not named. */
export function only(type: string, body: Raw, fields: readonly string[]): void {
  for (const field in body) if (!fields.includes(field)) throw new NotUnderstood(`${type} with ${field}`)
}

/** A node of one kind, its fields checked. */
export function expectNode(value: unknown, type: string, fields: readonly string[]): Raw {
  const node = nodeOf(value)
  if (node.type !== type) throw new NotUnderstood(`${node.type} where ${type} is expected`)
  only(type, node.body, fields)
  return node.body
}

export function textOf(body: Raw, field: string): string | undefined {
  const value = body[field]
  if (value === undefined || typeof value === 'string') return value
  throw new NotUnderstood(`${field} that is no text`)
}

export function requiredText(body: Raw, field: string): string {
  const value = textOf(body, field)
  if (value === undefined) throw new NotUnderstood(`a node without ${field}`)
  return value
}

export function flagOf(body: Raw, field: string): boolean {
  const value = body[field]
  if (value === undefined) return false
  if (typeof value === 'boolean') return value
  throw new NotUnderstood(`${field} that is no boolean`)
}

export function numberOf(body: Raw, field: string): number | undefined {
  const value = body[field]
  if (value === undefined || typeof value === 'number') return value
  throw new NotUnderstood(`${field} that is no number`)
}

export function listOf(body: Raw, field: string): readonly unknown[] {
  const value = body[field]
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  throw new NotUnderstood(`${field} that is no list`)
}

export function bodyOf(body: Raw, field: string): Raw | undefined {
  const value = body[field]
  if (value === undefined || isRaw(value)) return value
  throw new NotUnderstood(`${field} that is no node`)
}

/** A list of String nodes. */
export function namesOf(body: Raw, field: string): readonly string[] {
  return listOf(body, field).map((item) => textOf(expectNode(item, 'String', ['sval']), 'sval') ?? '')
}
