import type { Operation } from '../base/vocabulary.js'

/** What the configuration says for a table. Durations are in milliseconds. */
export interface Profile {
  /** `'manual'`: cached only where asked for. */
  readonly mode: 'auto' | 'manual'
  readonly ops: ReadonlySet<Operation>
  readonly ttl: number | undefined
  readonly lock: boolean
  readonly local: boolean
  /** The pattern that it was written under. */
  readonly pattern: string
}

export interface Rule {
  readonly pattern: string
  /** `false`: never cached, not even where asked for. */
  readonly profile: Profile | false
}

/** Migration and lock tables of the known tools: never cached unless they are named. */
const TOOL_TABLES: ReadonlySet<string> = new Set([
  '_prisma_migrations',
  '__drizzle_migrations',
  'drizzle.__drizzle_migrations',
  'migrations',
  'typeorm_metadata',
  'sequelizemeta',
  'sequelizedata',
  'knex_migrations',
  'knex_migrations_lock',
  'mikro_orm_migrations',
  'kysely_migration',
  'kysely_migration_lock',
  'pgmigrations',
  'schema_migrations',
  'flyway_schema_history',
])

interface Compiled extends Rule {
  readonly schema: RegExp | undefined
  readonly name: RegExp
  /** Larger is more specific: literal characters, exact names first. */
  readonly weight: number
  readonly exact: boolean
}

function glob(text: string): RegExp {
  const source = text.replace(/[.*+?^${}()|[\]\\]/g, (char) => (char === '*' ? '.*' : `\\${char}`))
  return new RegExp(`^${source}$`, 'i')
}

/**
 * Which profile a table has: the most specific of the patterns that match it. `schema.table`, `table` (the default
 * schema), `schema.*`, globs, `*`. Names are compared without regard to case.
 */
export class Policy {
  readonly #rules: readonly Compiled[]
  readonly #defaultSchema: string
  readonly #cache = new Map<string, Profile | false | undefined>()

  constructor(rules: readonly Rule[], defaultSchema = 'public') {
    this.#defaultSchema = defaultSchema
    this.#rules = rules
      .map((rule): Compiled => {
        const dot = rule.pattern.indexOf('.')
        const schema = dot < 0 ? undefined : rule.pattern.slice(0, dot)
        const name = dot < 0 ? rule.pattern : rule.pattern.slice(dot + 1)
        const literal = rule.pattern.replace(/\*/g, '').length
        const exact = !rule.pattern.includes('*')
        return {
          ...rule,
          schema: schema === undefined ? undefined : glob(schema),
          name: glob(name),
          // Exact before globs; then the longer literal part; a schema counts before none.
          weight: (exact ? 1e6 : 0) + literal * 10 + (schema === undefined ? 0 : 1),
          exact,
        }
      })
      .sort((a, b) => b.weight - a.weight)
  }

  get rules(): readonly Rule[] {
    return this.#rules
  }

  /** `undefined`: no pattern speaks of the table. */
  of(schema: string, name: string): Profile | false | undefined {
    const id = `${schema}.${name}`
    if (this.#cache.has(id)) return this.#cache.get(id)
    const profile = this.#find(schema, name)
    this.#cache.set(id, profile)
    return profile
  }

  #find(schema: string, name: string): Profile | false | undefined {
    const tool = TOOL_TABLES.has(name.toLowerCase()) || TOOL_TABLES.has(`${schema}.${name}`.toLowerCase())
    const rule = this.#rules.find((candidate) => {
      if (tool && !candidate.exact) return false
      if (!candidate.name.test(name)) return false
      if (candidate.schema) return candidate.schema.test(schema)
      return candidate.pattern === '*' || schema.toLowerCase() === this.#defaultSchema.toLowerCase()
    })
    return rule?.profile
  }

  /** Exact names that no table of the database bears, each with the nearest name that exists. */
  unknownNames(
    tables: Iterable<{ readonly schema: string; readonly name: string }>,
  ): { pattern: string; nearest: string | undefined }[] {
    const all = [...tables]
    const known = new Set(all.map((table) => `${table.schema}.${table.name}`.toLowerCase()))
    return this.#rules
      .filter((rule) => rule.exact)
      .filter((rule) => !known.has(qualified(rule.pattern, this.#defaultSchema)))
      .map((rule) => ({
        pattern: rule.pattern,
        nearest: nearest(
          rule.pattern,
          all.map((table) =>
            rule.schema || table.schema !== this.#defaultSchema ? `${table.schema}.${table.name}` : table.name,
          ),
        ),
      }))
  }
}

function qualified(pattern: string, defaultSchema: string): string {
  return (pattern.includes('.') ? pattern : `${defaultSchema}.${pattern}`).toLowerCase()
}

/** The name with the smallest edit distance, if it is near enough to have been meant. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein's distance, by two rows. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      row.push(Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, (previous[j - 1] as number) + cost))
    }
    previous = row
  }
  return previous[b.length] as number
}
