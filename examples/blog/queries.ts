/** What the blog asks and changes, in Drizzle's words; nothing here knows of the cache. */
import { asc, count, desc, eq, gt, sql } from 'drizzle-orm'
import type { PgDatabase } from 'drizzle-orm/pg-core'
import type { PgliteQueryResultHKT } from 'drizzle-orm/pglite'
import type * as schema from './schema.js'
import { categories, comments, posts, postTags, tags, users } from './schema.js'

/** A database or a transaction. */
export type Db = PgDatabase<PgliteQueryResultHKT, typeof schema>

/** What a list shows of a post. */
const line = { id: posts.id, title: posts.title, views: posts.views, publishedAt: posts.publishedAt }

export async function findPost(db: Db, id: number) {
  const [post] = await db.select().from(posts).where(eq(posts.id, id))
  return post
}

export async function findUser(db: Db, id: number) {
  const [user] = await db.select().from(users).where(eq(users.id, id))
  return user
}

export const listUsers = (db: Db) => db.select().from(users).orderBy(asc(users.name))

export const listCategories = (db: Db) => db.select().from(categories).orderBy(asc(categories.name))

export const newestPosts = (db: Db) =>
  db.select(line).from(posts).orderBy(desc(posts.publishedAt), desc(posts.id)).limit(20)

export const newestOfCategory = (db: Db, categoryId: number) =>
  db
    .select(line)
    .from(posts)
    .where(eq(posts.categoryId, categoryId))
    .orderBy(desc(posts.publishedAt), desc(posts.id))
    .limit(20)

export const countPosts = (db: Db) => db.$count(posts)

export const countOfCategory = (db: Db, categoryId: number) => db.$count(posts, eq(posts.categoryId, categoryId))

export const postsByCategory = (db: Db) =>
  db
    .select({ category: categories.name, posts: count() })
    .from(posts)
    .innerJoin(categories, eq(categories.id, posts.categoryId))
    .groupBy(categories.id)
    .orderBy(desc(count()), asc(categories.name))

export const tagsOfPost = (db: Db, postId: number) =>
  db
    .select({ id: tags.id, name: tags.name })
    .from(postTags)
    .innerJoin(tags, eq(tags.id, postTags.tagId))
    .where(eq(postTags.postId, postId))
    .orderBy(asc(tags.name))

export const commentsOfPost = (db: Db, postId: number) =>
  db.select().from(comments).where(eq(comments.postId, postId)).orderBy(asc(comments.id))

/** Drizzle's relational query: one statement with lateral joins and JSON aggregates. */
export const postWithAuthorAndTags = (db: Db, id: number) =>
  db.query.posts.findFirst({
    where: eq(posts.id, id),
    with: { author: true, postTags: { with: { tag: true } } },
  })

export const randomPosts = (db: Db) => db.select(line).from(posts).orderBy(sql`random()`).limit(3)

export const publishedLastDay = (db: Db) =>
  db.select(line).from(posts).where(sql`${posts.publishedAt} > now() - interval '1 day'`)

export const publishedSince = (db: Db, time: string) => db.select(line).from(posts).where(gt(posts.publishedAt, time))

export const addView = (db: Db, id: number) =>
  db
    .update(posts)
    .set({ views: sql`${posts.views} + 1` })
    .where(eq(posts.id, id))

export const addLike = (db: Db, id: number) =>
  db
    .update(posts)
    .set({ likes: sql`${posts.likes} + 1` })
    .where(eq(posts.id, id))

export const moveToCategory = (db: Db, id: number, categoryId: number) =>
  db.update(posts).set({ categoryId }).where(eq(posts.id, id))

export const rename = (db: Db, id: number, title: string) => db.update(posts).set({ title }).where(eq(posts.id, id))

export const editPost = (db: Db, id: number, title: string, categoryId: number) =>
  db.update(posts).set({ title, categoryId }).where(eq(posts.id, id))

export const addComment = (db: Db, postId: number, author: string, body: string) =>
  db.insert(comments).values({ postId, author, body })

/** Raw SQL, past Drizzle's builders. */
export const resetViewsOfAuthor = (db: Db, authorId: number, categoryId: number) =>
  db.execute(sql`UPDATE posts SET views = 0 WHERE author_id = ${authorId} AND category_id = ${categoryId}`)
