import * as queries from '../queries.js'
import type { Guide, Question } from './guide.js'
import type { Subject } from './questions.js'

/** PGlite has one connection: a read that is not in the cache would wait for the transaction, and the tour for the read. */
const PATIENCE_MS = 2000

export async function transactions(guide: Guide, { id, post }: Subject): Promise<void> {
  const { narrator } = guide
  const { db } = guide.blog
  const titled = (title: string, whose: string): Question => ({
    label: `post ${id}, ${whose}`,
    ask: async (any) => {
      const found = await queries.findPost(any, id)
      if (found?.title !== title) guide.surprise(`the title '${title}', not '${found?.title}'`)
      return found
    },
  })
  const before = (await queries.findPost(db, id))?.title ?? ''

  narrator.chapter('A transaction', 'It sees what it wrote; everyone else sees what is committed.')
  await guide.read(post, 'hit')
  let outside: Promise<void> | undefined
  await guide.transaction('COMMIT', () =>
    db.transaction(async (tx) => {
      await guide.inside('a new title', () => queries.rename(tx, id, 'Renamed'))
      await guide.read(titled('Renamed', 'inside'), 'past', undefined, tx)
      outside = guide.read(titled(before, 'outside'), 'hit', 'the old title, still true')
      await atMost(PATIENCE_MS, outside)
    }),
  )
  await outside
  await guide.read(titled('Renamed', 'outside'), 'miss', 'the new title')

  narrator.chapter('A rollback', 'Nothing has changed, so nothing is dropped.')
  await guide.transaction('ROLLBACK', () =>
    db
      .transaction(async (tx) => {
        await guide.inside('a new title', () => queries.rename(tx, id, 'Never'))
        await guide.read(titled('Never', 'inside'), 'past', undefined, tx)
        tx.rollback()
      })
      .catch((error: Error) => {
        if (error.constructor.name !== 'TransactionRollbackError') throw error
      }),
  )
  await guide.read(titled('Renamed', 'outside'), 'hit')
}

async function atMost(milliseconds: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([promise, enough])
  clearTimeout(timer)
}
