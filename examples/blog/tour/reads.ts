import type { Guide } from './guide.js'
import type { Subject } from './questions.js'

export async function reads(guide: Guide, subject: Subject): Promise<void> {
  const { narrator } = guide
  narrator.chapter('A post by its key', 'Two lines set up the cache; the queries are plain Drizzle. Asked twice:')
  await guide.twice(subject.post)

  narrator.chapter('A list, a count, a join, an aggregate', 'Not only finds by key.')
  await guide.twice(subject.newest)
  await guide.twice(subject.count)
  await guide.twice(subject.tags)
  await guide.twice(subject.perCategory)

  narrator.chapter(
    'A relational query',
    'db.query.posts.findFirst({ with: … }): one statement with lateral joins and JSON.',
  )
  await guide.twice(subject.full)

  narrator.chapter(
    'The newest posts of every category',
    'To have something in the cache that writes could drop by mistake.',
  )
  const cached = subject.category.name
  const others = subject.lists.map(({ label }) => label).filter((name) => name !== cached)
  await guide.several('list', subject.lists, others)
  await guide.read(subject.total, 'miss')
}
