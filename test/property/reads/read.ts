import type { Choices } from '../choices.js'
import { Params } from '../kinds.js'
import type { Menu } from '../menu.js'
import type { SchemaModel } from '../schema/model.js'
import { called, plain, throughView } from './called.js'
import type { Place } from './conditions.js'
import { groupingSets } from './grouping.js'
import { antiJoin, batch, chain, counted, followed, membership, oneSided, reused, topOfEach } from './idioms.js'
import { relational } from './json.js'
import { lists } from './lists.js'
import { loose, type Sql } from './place.js'
import { arranged, makers, select, setOperation, withCtes } from './queries.js'
import { recursive } from './recursive.js'
import { series } from './series.js'
import { distinctOn, grouped, probe, sorted, windowed } from './shapes.js'
import { usingJoin } from './using.js'

/** A read of the grammar. */
export interface Read extends Omit<Sql, 'sql'> {
  readonly text: string
  readonly params: readonly unknown[]
}

export type ReadMaker = (place: Place) => Sql

const idiom =
  (make: (place: Place, own: typeof makers) => string): ReadMaker =>
  (place) =>
    loose(make(place, makers))

/** Every form of a read. */
export const READS: Menu<ReadMaker> = [
  [12, (place) => arranged(place, select(place, { stars: true }))],
  [8, plain],
  [4, (place) => loose(grouped(place))],
  [3, (place) => arranged(place, setOperation(place))],
  [3, withCtes],
  [2, (place) => loose(windowed(place))],
  [2, distinctOn],
  [4, sorted],
  [2, (place) => loose(probe(place))],
  [2, throughView],
  [1, called],
  [2, usingJoin],
  [2, recursive],
  [2, lists],
  [1, groupingSets],
  [2, series],
  [2, relational],
  [2, idiom(followed)],
  [2, idiom(antiJoin)],
  [2, idiom(chain)],
  [1, idiom(batch)],
  [3, idiom(oneSided)],
  [1, idiom(topOfEach)],
  [1, idiom(counted)],
  [3, idiom(membership)],
  [1, idiom(reused)],
]

/** A read: `shape` decides the text but its values, `values` the values. */
export function makeRead(schema: SchemaModel, menu: Menu<ReadMaker>, shape: Choices, values: Choices): Read {
  const params = new Params()
  const place: Place = {
    schema,
    c: shape,
    v: values,
    params,
    sources: [],
    outer: undefined,
    names: { next: 0 },
    depth: 2,
    ctes: [],
  }
  const { sql, ordered } = shape.weighted(menu)(place)
  const end = shape.weighted([
    [20, ''],
    [1, ';'],
    [1, ' -- the end'],
    [1, ' /* some */ ;'],
  ])
  return { text: `${sql}${end}`, params: params.values, ordered }
}
