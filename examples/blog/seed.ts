import type { Progress } from './progress.js'
import type { Db } from './queries.js'
import { Random } from './random.js'
import { categories, comments, posts, postTags, tags, users } from './schema.js'
import { CATEGORIES, NAMES, paragraphs, remark, TAGS, title } from './words.js'

const BATCH = 500
const MINUTE = 60_000
const LAST = Date.UTC(2026, 0, 31, 12)

/** Fills an empty blog, always with the same posts; the newest has the highest id. */
export async function seed(db: Db, count: number, progress: Progress): Promise<void> {
  const random = new Random(10_000)
  await db.insert(users).values(NAMES.map((name) => ({ name })))
  await db.insert(categories).values(CATEGORIES.map((name) => ({ name })))
  await db.insert(tags).values(TAGS.map((name) => ({ name })))
  const tagIds = TAGS.map((_, index) => index + 1)
  for (let first = 1; first <= count; first += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, count - first + 1) }, (_, index) => first + index)
    await db.insert(posts).values(ids.map((id) => post(random, minutesAgo((count - id) * 47))))
    await db
      .insert(postTags)
      .values(ids.flatMap((postId) => random.some(tagIds, 1 + random.below(3)).map((tagId) => ({ postId, tagId }))))
    await db.insert(comments).values(
      ids.flatMap((postId) =>
        Array.from({ length: 1 + random.below(3) }, (_, index) => ({
          postId,
          author: random.pick(NAMES),
          body: remark(random),
          createdAt: minutesAgo((count - postId) * 47 - index * 9),
        })),
      ),
    )
    progress.add(ids.length)
  }
}

const post = (random: Random, publishedAt: string) => ({
  title: title(random),
  body: paragraphs(random),
  authorId: 1 + random.below(NAMES.length),
  categoryId: 1 + random.below(CATEGORIES.length),
  views: random.below(5000),
  likes: random.below(200),
  publishedAt,
})

const minutesAgo = (minutes: number): string => new Date(LAST - minutes * MINUTE).toISOString().slice(0, 19)
