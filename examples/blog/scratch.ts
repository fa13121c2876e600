import pgm from 'pg'
import { readFileSync } from 'node:fs'
import { createCacheops, memory } from 'cacheops'
import { cachedPg } from 'cacheops/pg'
import { drizzle } from 'drizzle-orm/node-postgres'
import { desc, eq, sql, count, and, inArray } from 'drizzle-orm'
import * as s from './schema.js'
const url = process.env.URL ?? 'postgres://postgres@127.0.0.1:5432/blogscratch'
const plain = new pgm.Pool({ connectionString: url })
await plain.query('drop schema public cascade; create schema public')
await plain.query(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'))
await plain.query(`insert into users(name) values('a'),('b'); insert into categories(name) values('x'),('y'),('z'); insert into tags(name) values('t'),('u');
 insert into posts(title,body,author_id,category_id,published_at) select 'T'||i,'b',1+i%2,1+i%3,'2024-01-01'::timestamp+i*interval '1 minute' from generate_series(1,100) i; insert into post_tags select i,1+i%2 from generate_series(1,100) i; insert into comments(post_id,author,body) select i,'x','y' from generate_series(1,100) i`)
const cacheops = createCacheops({ store: memory(), defaults: { ttl: '1h' }, models: { '*': 'all' }, logger: console })
const pool = new (cachedPg(cacheops, pgm).Pool)({ connectionString: url })
const db = drizzle(pool, { schema: s })
await cacheops.ready()
const reads: Record<string, () => PromiseLike<unknown>> = {
  key: () => db.select().from(s.posts).where(eq(s.posts.id, 1)),
  newest: () => db.select({ id: s.posts.id, title: s.posts.title, views: s.posts.views }).from(s.posts).where(eq(s.posts.categoryId, 1)).orderBy(desc(s.posts.publishedAt), desc(s.posts.id)).limit(20),
  newestAuthor: () => db.select({ id: s.posts.id, title: s.posts.title, views: s.posts.views, a: s.users.name }).from(s.posts).innerJoin(s.users, eq(s.users.id, s.posts.authorId)).where(eq(s.posts.categoryId, 1)).orderBy(desc(s.posts.publishedAt), desc(s.posts.id)).limit(20),
  count: () => db.select({ n: count() }).from(s.posts).where(eq(s.posts.categoryId, 1)),
  dcount: () => db.$count(s.posts, eq(s.posts.categoryId, 1)),
  tags: () => db.select({ name: s.tags.name }).from(s.postTags).innerJoin(s.tags, eq(s.tags.id, s.postTags.tagId)).where(eq(s.postTags.postId, 1)),
  relational: () => db.query.posts.findFirst({ where: eq(s.posts.id, 1), with: { author: true, comments: true } }),
  relational0: () => db.query.posts.findFirst({ where: eq(s.posts.id, 1) }),
  counts: () => db.select({ c: s.posts.categoryId, n: count() }).from(s.posts).groupBy(s.posts.categoryId),
  popular: () => db.select({ c: s.categories.name, n: count(), v: sql<number>`sum(${s.posts.views})` }).from(s.posts).innerJoin(s.categories, eq(s.categories.id, s.posts.categoryId)).groupBy(s.categories.id).orderBy(desc(count())),
  now: () => db.select().from(s.posts).where(sql`${s.posts.publishedAt} > now() - interval '1 day'`),
  random: () => db.select().from(s.posts).orderBy(sql`random()`).limit(3),
  array: () => db.select({ id: s.posts.id, tags: sql`array(select ${s.tags.name} from ${s.tags} join ${s.postTags} on ${s.postTags.tagId} = ${s.tags.id} where ${s.postTags.postId} = ${s.posts.id})` }).from(s.posts).where(eq(s.posts.id, 1)),
  like: () => db.select().from(s.posts).where(sql`${s.posts.title} ilike ${'%1%'}`).limit(3),
  window: () => db.select({ id: s.posts.id, r: sql`row_number() over (partition by category_id order by id)` }).from(s.posts).limit(3),
}
for (const [name, run] of Object.entries(reads)) {
  const [e] = await cacheops.explain(async () => void (await run()))
  console.log(name, e?.cached, e?.operation, e?.reason ?? '', e?.ttl)
  for (const d of e?.dependencies ?? []) console.log('    ', d.table, JSON.stringify(d.conj), d.reads === '*' ? '*' : d.reads.join())
}
cacheops.on('invalidated', (e) => console.log('   dropped', JSON.stringify(e)))
cacheops.on('bypass', (e) => console.log('   bypass', JSON.stringify(e)))
const ask = async () => { let out = ''; const off = cacheops.on('read', (e) => { out = e.hit ? 'hit' : 'miss' }); for (const [name, run] of Object.entries(reads)) { out = ''; await run(); process.stdout.write(`${name}:${out} `) } off(); console.log() }
await ask(); await ask()
console.log('views'); await db.update(s.posts).set({ views: sql`${s.posts.views} + 1` }).where(eq(s.posts.id, 1)); await ask()
console.log('move'); await db.update(s.posts).set({ categoryId: 3 }).where(eq(s.posts.id, 1)); await ask()
console.log('bulk'); await db.execute(sql`UPDATE posts SET views = 0 WHERE views > 3`); await ask()
console.log('bulk2'); await db.execute(sql`UPDATE posts SET body = body || '.' WHERE author_id = 2`); await ask()
console.log('comment'); await db.insert(s.comments).values({ postId: 1, author: 'x', body: 'z' }); await ask()
console.log('tx')
await db.transaction(async (tx) => { await tx.update(s.posts).set({ title: 'n' }).where(eq(s.posts.id, 1)); await tx.select().from(s.posts).where(eq(s.posts.id, 1)); await ask() })
await ask()
console.log('rollback')
await db.transaction(async (tx) => { await tx.update(s.posts).set({ title: 'n' }).where(eq(s.posts.id, 1)); tx.rollback() }).catch((e) => console.log(e.message))
await ask()
console.log(JSON.stringify(await cacheops.explain(async () => { await db.update(s.posts).set({ categoryId: 3 }).where(eq(s.posts.id, 1)) }), null, 1))
await pool.end(); await plain.end(); await cacheops.close()
