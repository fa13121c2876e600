import { show } from '../../base/duration.js'
import type { Sample, SampleResolver, Where } from '../../engine/samples.js'
import { builderQuery } from './builders.js'
import { drizzleTables } from './drizzle.js'

/** Rows of a model: all, those that meet conditions, or one. */
export type ModelSample =
  | { readonly model: unknown; readonly where?: Where }
  | { readonly model: unknown; readonly row: Where }

/**
 * One row of a model as a sample.
 *
 * @param row - with the columns that say which it is, best its key alone: each that is given must be equal
 * @example
 * cacheops.cachedAs('card', (user: User) => sample('users', { id: user.id }), renderCard)
 */
export function sample(model: unknown, row: Where): ModelSample {
  return { model, row }
}

/** What each ORM's objects are. Later ones are asked first. */
const BUILT_IN: readonly SampleResolver[] = [drizzleTables]

/**
 * Samples in the words of the database.
 *
 * @param resolvers - of the ORMs that were set up
 * @throws TypeError for what is no sample
 */
export function resolveSamples(given: unknown, resolvers: Iterable<SampleResolver>, where: string): readonly Sample[] {
  const all = [...resolvers, ...BUILT_IN]
  if (Array.isArray(given)) return given.flatMap((one: unknown) => resolveSamples(one, resolvers, where))
  return [resolveOne(given, all, where)]
}

/** Whether a function is a sample itself, as the models of some ORMs are, and not one that gives samples. */
export function isSample(given: unknown, resolvers: Iterable<SampleResolver>): boolean {
  return [...resolvers, ...BUILT_IN].some((resolver) => resolver.resolve(given) !== undefined)
}

function resolveOne(given: unknown, resolvers: readonly SampleResolver[], where: string): Sample {
  if (typeof given === 'string') {
    if (given.trim() === '') throw new TypeError(`${where}: expected a table's name or SQL, got an empty text.`)
    return /\s/.test(given.trim()) ? { kind: 'sql', text: given, params: [] } : { kind: 'name', name: given }
  }
  for (const resolver of resolvers) {
    const found = resolver.resolve(given)
    if (found) return found
  }
  if (typeof given === 'object' && given !== null) {
    if ('model' in given) return ofModel(given as ModelSample, resolvers, where)
    const query = builderQuery(given)
    if (query) return { kind: 'sql', ...query }
  }
  throw new TypeError(
    `${where}: expected a table's name, SQL, { sql, params }, { model, where }, a query builder or a model of an ORM, got ${show(given)}.`,
  )
}

function ofModel(given: ModelSample, resolvers: readonly SampleResolver[], where: string): Sample {
  const model = resolveOne(given.model, resolvers, where)
  if (model.kind === 'sql') throw new TypeError(`${where}: model: expected a table, got ${show(model.text)}.`)
  const conditions = 'row' in given ? given.row : given.where
  if (conditions === undefined) return model
  if (typeof conditions !== 'object' || conditions === null || Array.isArray(conditions)) {
    throw new TypeError(`${where}: where: expected an object of columns and values, got ${show(conditions)}.`)
  }
  const columns: Record<string, unknown> = {}
  for (const [property, value] of Object.entries(conditions)) {
    columns[columnOf(given.model, property, resolvers, where)] = value
  }
  return { ...model, where: columns }
}

function columnOf(model: unknown, property: string, resolvers: readonly SampleResolver[], where: string): string {
  const resolver = resolvers.find((one) => one.resolve(model) !== undefined)
  if (!resolver?.column) return property
  const column = resolver.column(model, property)
  if (column === undefined) throw new TypeError(`${where}: where: the model has no column '${property}'.`)
  return column
}
