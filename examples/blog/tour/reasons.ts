import type { Explanation } from 'cacheops'
import * as queries from '../queries.js'
import type { Guide, Question } from './guide.js'
import type { Subject } from './questions.js'

const SINCE = '2026-01-30 12:00:00'

export async function reasons(guide: Guide, { newest }: Subject): Promise<void> {
  const { narrator } = guide
  const lastDay: Question = { label: 'posts of the last day', ask: queries.publishedLastDay }
  const users: Question = { label: 'all users', ask: queries.listUsers }

  narrator.chapter('Why is it cached?', `explain() of the ${newest.label}:`)
  narrator.facts(factsOf(await guide.explain(newest)))

  narrator.chapter('Why is it not?', 'What cannot be cached soundly passes by, and so does what nobody asked for.')
  await guide.read(lastDay, 'past')
  await guide.read(users, 'past')
  narrator.step('')
  narrator.step(`explain() of the ${lastDay.label}:`)
  narrator.facts(factsOf(await guide.explain(lastDay)))
  narrator.step('')
  narrator.step('The same with the time as a parameter:')
  await guide.twice({ label: `posts since ${SINCE}`, ask: (db) => queries.publishedSince(db, SINCE) })
}

function factsOf(explanation: Explanation): readonly (readonly [string, string])[] {
  const { sql, operation, cached, pattern, ttl, reason, dependencies } = explanation
  const facts: [string, string][] = [['statement', short(sql)]]
  if (operation) facts.push(['operation', operation])
  facts.push(['cached', cached ? `yes, for ${Number(ttl) / 60_000} minutes (models: '${pattern}')` : 'no'])
  if (reason) facts.push(['because', reason])
  for (const { table, conj, reads } of dependencies) {
    const conditions = Object.entries(conj).map(([column, value]) => `${column} = ${value}`)
    facts.push(['depends on', `rows of ${table} with ${conditions.join(' and ') || 'any values'}`])
    facts.push(['reads', reads === '*' ? 'every column' : reads.join(', ')])
  }
  return facts
}

function short(sql: string): string {
  const plain = sql.replaceAll('"', '').replaceAll('posts.', '')
  return plain.length > 96 ? `${plain.slice(0, 95)}…` : plain
}
