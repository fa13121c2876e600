import * as queries from '../queries.js'
import type { Guide } from './guide.js'
import type { Subject } from './questions.js'

export async function writes(guide: Guide, subject: Subject): Promise<void> {
  const { narrator } = guide
  const { db } = guide.blog
  const { id, category, other } = subject

  narrator.chapter(
    'A view more',
    `A write drops what reads a column that it changes, of the rows that it changes. Cached reads depend\non conditions, such as posts with id = ${id}, or with category_id = ${category.id}: those that the row meets are dropped.`,
  )
  await guide.write(`views + 1 of post ${id}`, () => queries.addView(db, id))
  console.log()
  await guide.read(subject.post, 'miss', 'shows the views')
  await guide.read(subject.newest, 'miss', 'shows the views')
  await guide.read(subject.full, 'miss', 'shows the views')
  await guide.read(subject.count, 'hit', 'does not read the views')
  await guide.read(subject.perCategory, 'hit', 'does not read the views')
  await guide.read(subject.tags, 'hit', 'does not read posts')
  await guide.several('other list', without(subject, [category.name]), [])

  narrator.chapter('A like', 'The post shows its likes, the lists do not.')
  await guide.write(`likes + 1 of post ${id}`, () => queries.addLike(db, id))
  console.log()
  await guide.read(subject.post, 'miss', 'shows the likes')
  await guide.several('list', subject.lists, [])

  narrator.chapter(
    'Into another category',
    `From ${category.name} to ${other.name}: the update names only the new category. The old one\nis found out on the way, in the statement itself or just before it.`,
  )
  await guide.write(`post ${id} to ${other.name}`, () => queries.moveToCategory(db, id, other.id))
  console.log()
  await guide.several('list', subject.lists, [category.name, other.name])
  await guide.read(subject.post, 'miss', 'reads its category')
  await guide.read(subject.count, 'miss', 'one less')
  await guide.read(subject.perCategory, 'miss', 'counts by category')
  await guide.read(subject.total, 'hit', 'as many as before')

  narrator.chapter('A comment', 'Another table: nothing cached so far reads it.')
  await guide.write(`a comment on post ${id}`, () => queries.addComment(db, id, 'Ada', 'Well said.'), 'drops nothing')
  await guide.twice({ label: `comments on post ${id}`, ask: (any) => queries.commentsOfPost(any, id) })
  await guide.write(`a comment on post ${id + 1}`, () => queries.addComment(db, id + 1, 'Ada', 'Hm.'), 'drops nothing')
  await guide.write(`another on post ${id}`, () => queries.addComment(db, id, 'Bo', 'Quite.'))
  await guide.read({ label: `comments on post ${id}`, ask: (any) => queries.commentsOfPost(any, id) }, 'miss')

  narrator.chapter('A bulk update in raw SQL', 'Whoever writes the SQL: it passes the same place.')
  await guide.write('views of one author', () => queries.resetViewsOfAuthor(db, 7, other.id))
  console.log()
  await guide.several('list', subject.lists, [other.name])
  await guide.read(subject.post, 'hit', 'by another author')
}

const without = (subject: Subject, names: readonly string[]) =>
  subject.lists.filter(({ label }) => !names.includes(label))
