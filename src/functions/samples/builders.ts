/** A query as its builder words it. */
export interface BuiltQuery {
  readonly text: string
  readonly params: readonly unknown[]
}

type Methods = Readonly<Record<string, ((this: unknown) => unknown) | undefined>>

/**
 * The SQL of a query builder, without running it: of Drizzle and Knex (`toSQL`), Kysely (`compile`), TypeORM
 * (`getQueryAndParameters`), MikroORM (`toQuery`), and of whatever has a text and its values as properties.
 */
export function builderQuery(builder: object): BuiltQuery | undefined {
  const methods = builder as Methods
  if (typeof methods.getQueryAndParameters === 'function') return asQuery(methods.getQueryAndParameters())
  if (typeof methods.toSQL === 'function') {
    const made = methods.toSQL()
    const native = (made as Methods | null)?.toNative
    // Knex: with the placeholders of the database, not its own.
    return asQuery(typeof native === 'function' ? native.call(made) : made)
  }
  if (typeof methods.compile === 'function') return asQuery(methods.compile())
  if (typeof methods.toQuery === 'function') return asQuery(methods.toQuery())
  return asQuery(builder)
}

function asQuery(made: unknown): BuiltQuery | undefined {
  if (Array.isArray(made)) return typeof made[0] === 'string' ? query(made[0], made[1]) : undefined
  if (typeof made !== 'object' || made === null) return undefined
  const { sql, text, params, parameters, bindings, values } = made as Readonly<Record<string, unknown>>
  const found = sql ?? text
  return typeof found === 'string' ? query(found, params ?? parameters ?? bindings ?? values) : undefined
}

function query(text: string, params: unknown): BuiltQuery | undefined {
  if (params === undefined) return { text, params: [] }
  return Array.isArray(params) ? { text, params: params as readonly unknown[] } : undefined
}
