import { Choices } from './choices.js'
import { Course } from './course.js'
import { makeSchema } from './schema/make-schema.js'
import type { Tally } from './tally.js'
import type { Worlds } from './world.js'

/** A case, as numbers that decide everything. */
export interface History {
  readonly schema: readonly number[]
  readonly reads: readonly (readonly number[])[]
  readonly steps: readonly (readonly number[])[]
}

/** Carries a case out. @throws where a cached answer differs from the uncached one, with all that happened before */
export async function carryOut(worlds: Worlds, history: History, tally: Tally): Promise<void> {
  const c = new Choices(history.schema)
  const options = { maxSchemes: c.pick([128, 128, 4]), longDisjunction: c.pick([32, 4]) }
  const fond = c.fork()
  const schema = makeSchema(c)
  const world = await worlds.open(schema.ddl, options)
  const course = new Course(world, schema, fond, history, tally)
  try {
    await course.run()
    tally.add(await world.counts())
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${JSON.stringify(options)}\n${course.story()}`, { cause: error })
  } finally {
    await world.end()
  }
}
