import type { Sample, SampleResolver } from '../../engine/samples.js'

/** Under these registered symbols Drizzle keeps what a table is, whichever copy of it made the table. */
const IS_TABLE = Symbol.for('drizzle:IsDrizzleTable')
const NAME = Symbol.for('drizzle:OriginalName')
const SCHEMA = Symbol.for('drizzle:Schema')
const COLUMNS = Symbol.for('drizzle:Columns')

interface DrizzleTable {
  readonly [NAME]: string
  readonly [SCHEMA]: string | undefined
  readonly [COLUMNS]: Readonly<Record<string, { readonly name: string }>>
}

/** Drizzle's tables, also under an alias. */
export const drizzleTables: SampleResolver = {
  resolve(object): Sample | undefined {
    if (!isTable(object)) return undefined
    return { kind: 'table', schema: object[SCHEMA], name: object[NAME] }
  },
  column(model, property): string | undefined {
    if (!isTable(model)) return undefined
    const columns = model[COLUMNS]
    if (Object.hasOwn(columns, property)) return columns[property]?.name
    return Object.values(columns).some(({ name }) => name === property) ? property : undefined
  },
}

function isTable(object: unknown): object is DrizzleTable {
  return typeof object === 'object' && object !== null && IS_TABLE in object && NAME in object && COLUMNS in object
}
