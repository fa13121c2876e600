import { count, eq, inArray, relations, sql } from 'drizzle-orm'
import { integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/pglite'
import { beforeAll, describe, expect, it } from 'vitest'
import { readsOf, useWrapped } from './support.js'

const authors = pgTable('authors', { id: integer('id').primaryKey(), name: text('name').notNull() })
const books = pgTable('books', {
  id: integer('id').primaryKey(),
  authorId: integer('author_id').references(() => authors.id),
  title: text('title').notNull(),
  meta: jsonb('meta').$type<{ tags: string[] }>(),
  printed: timestamp('printed', { withTimezone: true }),
})
const authorsToBooks = relations(authors, ({ many }) => ({ books: many(books) }))
const booksToAuthors = relations(books, ({ one }) => ({
  author: one(authors, { fields: [books.authorId], references: [authors.id] }),
}))
const schema = { authors, books, authorsToBooks, booksToAuthors }

describe('Drizzle', () => {
  const wrapped = useWrapped()
  const make = () => drizzle({ client: wrapped.db, schema })
  let db!: ReturnType<typeof make>
  let seen!: string[]
  const reads = () => seen.splice(0)

  beforeAll(async () => {
    db = make()
    await db.execute(sql`CREATE TABLE authors (id int PRIMARY KEY, name text NOT NULL)`)
    await db.execute(
      sql`CREATE TABLE books (id int PRIMARY KEY, author_id int REFERENCES authors ON DELETE CASCADE, title text NOT NULL, meta jsonb, printed timestamptz)`,
    )
    await db.insert(authors).values([
      { id: 1, name: 'ann' },
      { id: 2, name: 'bob' },
    ])
    await db.insert(books).values([
      { id: 1, authorId: 1, title: 'first', meta: { tags: ['a'] }, printed: new Date('2024-01-01T00:00:00Z') },
      { id: 2, authorId: 1, title: 'second' },
      { id: 3, authorId: 2, title: 'third' },
    ])
    seen = readsOf(wrapped.cacheops)
  })

  const book = (id: number) =>
    db
      .select()
      .from(books)
      .where(eq(books.id, id))
      .then(([row]) => row)

  it('reads from the cache, with the types of the schema', async () => {
    const expected = {
      id: 1,
      authorId: 1,
      title: 'first',
      meta: { tags: ['a'] },
      printed: new Date('2024-01-01T00:00:00Z'),
    }
    expect([await book(1), await book(1)]).toEqual([expected, expected])
    expect(reads()).toEqual(['miss', 'hit'])
  })

  it('queries with relations', async () => {
    const query = () =>
      db.query.authors.findFirst({ where: eq(authors.id, 1), with: { books: { columns: { title: true } } } })
    const expected = { id: 1, name: 'ann', books: [{ title: 'first' }, { title: 'second' }] }
    expect([await query(), await query()]).toEqual([expected, expected])
    expect(reads()).toEqual(['miss', 'hit'])
    await db.update(books).set({ title: 'renamed' }).where(eq(books.id, 2))
    expect((await query())?.books[1]).toEqual({ title: 'renamed' })
    expect(reads()).toEqual(['miss'])
  })

  it('drops what insert, update and delete change', async () => {
    const counted = () =>
      db
        .select({ n: count() })
        .from(books)
        .where(eq(books.authorId, 2))
        .then(([row]) => row?.n)
    const some = () =>
      db
        .select({ id: books.id })
        .from(books)
        .where(inArray(books.id, [3, 4]))
        .orderBy(books.id)
    await book(1)
    expect([await counted(), await some()]).toEqual([1, [{ id: 3 }]])
    const inserted = await db
      .insert(books)
      .values({ id: 4, authorId: 2, title: 'fourth', meta: { tags: [] } })
      .returning()
    expect(inserted).toEqual([{ id: 4, authorId: 2, title: 'fourth', meta: { tags: [] }, printed: null }])
    expect([await counted(), await some()]).toEqual([2, [{ id: 3 }, { id: 4 }]])
    reads()
    await book(1)
    expect(reads()).toEqual(['hit'])
    expect(await db.update(books).set({ authorId: 1 }).where(eq(books.id, 4)).returning({ id: books.id })).toEqual([
      { id: 4 },
    ])
    expect(await counted()).toBe(1)
    await db
      .insert(books)
      .values({ id: 4, title: 'x' })
      .onConflictDoUpdate({ target: books.id, set: { title: 'upserted' } })
    expect((await book(4))?.title).toBe('upserted')
    await db.delete(books).where(eq(books.id, 4))
    expect([await book(4), await some()]).toEqual([undefined, [{ id: 3 }]])
  })

  it('has transactions, nested ones, and rollbacks', async () => {
    await book(1)
    await db.transaction(async (tx) => {
      await tx.update(books).set({ title: 'one' }).where(eq(books.id, 1))
      await tx
        .transaction(async (inner) => {
          await inner.update(books).set({ title: 'inner' }).where(eq(books.id, 1))
          inner.rollback()
        })
        .catch(() => undefined)
      expect((await tx.select().from(books).where(eq(books.id, 1)))[0]?.title).toBe('one')
      expect((await book(1))?.title).toBe('first')
    })
    expect((await book(1))?.title).toBe('one')
    await expect(
      db.transaction(
        async (tx) => {
          await tx.update(books).set({ title: 'never' }).where(eq(books.id, 1))
          tx.rollback()
        },
        { isolationLevel: 'serializable' },
      ),
    ).rejects.toThrow()
    expect((await book(1))?.title).toBe('one')
  })

  it('follows what foreign keys delete', async () => {
    const third = () => book(3)
    expect(await third()).toBeDefined()
    await db.delete(authors).where(eq(authors.id, 2))
    expect(await third()).toBeUndefined()
  })

  it('is cached where it is asked for, as a builder', async () => {
    reads()
    const { cacheops } = wrapped
    await cacheops.nocache(db.select().from(authors))
    expect(reads()).toEqual([])
    await cacheops.cache(db.select().from(authors), { ttl: '5m' })
    expect(await cacheops.cache(db.select().from(authors), { ttl: '5m' })).toEqual([{ id: 1, name: 'ann' }])
    expect(reads()).toEqual(['miss', 'hit'])
  })
})
