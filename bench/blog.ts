import type { ClientBase, Pool, QueryResult } from 'pg'
import { randomNumbers, scattered, zipf } from './random.js'

/** The blog workload that the comparisons with other caches use: its tables, its rows, its operations. */

const AUTHORS = 1_000
export const CATEGORIES = 20
const TAGS = 200
export const POSTS = 20_000
const COMMENTS = 100_000
/** Reads and writes draw from the first so many posts. */
const DRAWN = 10_000

const SCHEMA = `
CREATE TABLE blog_author (id serial PRIMARY KEY, name varchar(60) NOT NULL, email varchar(100) NOT NULL);
CREATE TABLE blog_category (id serial PRIMARY KEY, name varchar(60) NOT NULL);
CREATE TABLE blog_tag (id serial PRIMARY KEY, name varchar(60) NOT NULL);
CREATE TABLE blog_post (
  id serial PRIMARY KEY,
  title varchar(100) NOT NULL,
  slug varchar(100) NOT NULL,
  excerpt varchar(300) NOT NULL,
  body text NOT NULL,
  category_id integer NOT NULL REFERENCES blog_category (id),
  author_id integer NOT NULL REFERENCES blog_author (id),
  status varchar(10) NOT NULL,
  lang varchar(5) NOT NULL,
  views integer NOT NULL,
  rating double precision NOT NULL,
  created timestamptz NOT NULL
);
CREATE TABLE blog_post_tags (
  id serial PRIMARY KEY,
  post_id integer NOT NULL REFERENCES blog_post (id),
  tag_id integer NOT NULL REFERENCES blog_tag (id)
);
CREATE TABLE blog_comment (
  id serial PRIMARY KEY,
  post_id integer NOT NULL REFERENCES blog_post (id),
  name varchar(60) NOT NULL,
  body text NOT NULL,
  created timestamptz NOT NULL
);`

const ROWS = `
SELECT setseed(0.5);
INSERT INTO blog_author (name, email)
  SELECT 'Author ' || i, 'author' || i || '@example.com' FROM generate_series(1, ${AUTHORS}) i;
INSERT INTO blog_category (name) SELECT 'Category ' || i FROM generate_series(1, ${CATEGORIES}) i;
INSERT INTO blog_tag (name) SELECT 'Tag ' || i FROM generate_series(1, ${TAGS}) i;
INSERT INTO blog_post (title, slug, excerpt, body, category_id, author_id, status, lang, views, rating, created)
  SELECT rpad('Title of post ' || i || ' ', 40, 'lorem ipsum '), 'title-of-post-' || i,
         rpad('Excerpt of ' || i || ' ', 120, 'dolor sit amet '), rpad('Body of ' || i || ' ', 600, 'consectetur elit '),
         i % ${CATEGORIES} + 1, 1 + floor(random() * ${AUTHORS})::int,
         CASE WHEN random() < 0.9 THEN 'published' ELSE 'draft' END,
         (ARRAY['en', 'de', 'fr'])[1 + i % 3], floor(random() * 1000)::int, round((random() * 5)::numeric, 2),
         timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute'
    FROM generate_series(1, ${POSTS}) i;
INSERT INTO blog_post_tags (post_id, tag_id)
  SELECT post, 1 + floor(random() * ${TAGS})::int FROM generate_series(1, ${POSTS}) post, generate_series(1, 3);
INSERT INTO blog_comment (post_id, name, body, created)
  SELECT 1 + floor(random() * ${POSTS})::int, 'Reader ' || i, rpad('Comment ' || i || ' ', 80, 'adipiscing '),
         timestamptz '2024-02-01 00:00:00+00' + i * interval '10 seconds'
    FROM generate_series(1, ${COMMENTS}) i;
CREATE INDEX ON blog_post (category_id, status, created DESC);
CREATE INDEX ON blog_post_tags (post_id);
CREATE INDEX ON blog_comment (post_id);`

export async function seedBlog(client: ClientBase): Promise<void> {
  await client.query(SCHEMA)
  await client.query(ROWS)
  await client.query('VACUUM (FREEZE, ANALYZE)')
}

const COLUMNS = 'id, title, slug, excerpt, body, category_id, author_id, status, lang, views, rating, created'

export const POST_BY_KEY = `SELECT ${COLUMNS} FROM blog_post WHERE id = $1`
export const NEWEST = `SELECT ${COLUMNS} FROM blog_post WHERE category_id = $1 AND status = 'published' ORDER BY created DESC LIMIT 20`
export const NEWEST_BEFORE = `SELECT ${COLUMNS} FROM blog_post WHERE category_id = $1 AND status = 'published' AND created < $2 ORDER BY created DESC LIMIT 20`
const PUBLISHED = `SELECT count(*) FROM blog_post WHERE category_id = $1 AND status = 'published'`
/** As an ORM saves a row: with all its columns. */
const SAVE =
  'UPDATE blog_post SET title = $2, slug = $3, excerpt = $4, body = $5, category_id = $6, author_id = $7, status = $8, ' +
  'lang = $9, views = $10, rating = $11, created = $12 WHERE id = $1'

export type Operation =
  | { readonly kind: 'read'; readonly text: string; readonly value: number }
  | { readonly kind: 'write'; readonly id: number; readonly flip: boolean }

interface Post {
  readonly id: number
  readonly title: string
  readonly slug: string
  readonly excerpt: string
  readonly body: string
  readonly category_id: number
  readonly author_id: number
  readonly status: string
  readonly lang: string
  readonly views: number
  readonly rating: number
  readonly created: Date
}

/** 95 % reads, 5 % writes, the same for the same seed. */
export function operations(count: number, seed: number): readonly Operation[] {
  const random = randomNumbers(seed)
  const posts = scattered(DRAWN, random)
  const categories = scattered(CATEGORIES, random)
  const postRank = zipf(DRAWN, random)
  const categoryRank = zipf(CATEGORIES, random)
  const post = (): number => posts[postRank()] as number
  const category = (): number => categories[categoryRank()] as number
  return Array.from({ length: count }, (): Operation => {
    if (random() < 0.05) return { kind: 'write', id: post(), flip: random() < 0.1 }
    const which = random()
    if (which < 0.7) return { kind: 'read', text: POST_BY_KEY, value: post() }
    return { kind: 'read', text: which < 0.9 ? NEWEST : PUBLISHED, value: category() }
  })
}

/** Runs one operation. `uncached` runs a read that feeds a write. */
export async function perform(
  pool: Pool,
  operation: Operation,
  uncached: <T>(query: () => Promise<T>) => Promise<T> = (query) => query(),
): Promise<QueryResult> {
  if (operation.kind === 'read') return pool.query(operation.text, [operation.value])
  const { rows } = await uncached(() => pool.query<Post>(POST_BY_KEY, [operation.id]))
  const post = rows[0] as Post
  const status = operation.flip ? (post.status === 'published' ? 'draft' : 'published') : post.status
  const { id, title, slug, excerpt, body, category_id, author_id, lang, views, rating, created } = post
  const values = [id, title, slug, excerpt, body, category_id, author_id, status, lang, views + 1, rating, created]
  return pool.query(SAVE, values)
}
