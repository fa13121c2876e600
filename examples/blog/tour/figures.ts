import { formatNumber, formatTime } from '../format.js'
import type { Db } from '../queries.js'
import type { Guide, Question } from './guide.js'
import type { Subject } from './questions.js'

const TIMES = 500

export async function figures(guide: Guide, subject: Subject): Promise<void> {
  const { narrator, blog } = guide
  narrator.chapter('How fast?', `The median of ${TIMES} calls each, Drizzle's part included.`)
  const rows: [string, string][] = []
  for (const question of [subject.post, subject.newest, subject.count, subject.full]) {
    const uncached = await median(question, blog.plain)
    const hit = await median(question, blog.db)
    rows.push([question.label, `${formatTime(uncached)} → ${formatTime(hit)}`])
  }
  narrator.facts(rows)

  narrator.chapter('Is it true?', 'Everything that was asked on the way, once more: of the cache and of the database.')
  const { asked, different } = await guide.compare()
  narrator.step(
    different.length === 0
      ? `${asked} questions, ${asked} times the same answer`
      : `Different: ${different.join(', ')}`,
  )

  narrator.chapter('Stats', 'cacheops.stats():')
  const stats = await blog.cacheops.stats()
  narrator.facts([
    ['hits', formatNumber(stats.hits)],
    ['misses', formatNumber(stats.misses)],
    ...Object.entries(stats.bypasses).map(([reason, count]) => [`past (${count})`, reason] as const),
    ['invalidations', formatNumber(stats.invalidations)],
    ['store errors', formatNumber(stats.storeErrors)],
    ...Object.entries(stats.store ?? {}).map(([name, value]) => [name, formatNumber(Number(value))] as const),
  ])
}

async function median({ ask }: Question, db: Db): Promise<number> {
  const times: number[] = []
  for (let turn = 0; turn < TIMES; turn++) {
    const start = performance.now()
    await ask(db)
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[TIMES / 2] ?? 0
}
