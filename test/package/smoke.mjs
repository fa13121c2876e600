// Run against the installed package: a read, a hit, a write, and the new value.
import assert from 'node:assert/strict'
import { PGlite } from '@electric-sql/pglite'
import { createCacheops, memory } from 'cacheops'
import { cachedPGlite } from 'cacheops/pglite'

const cacheops = createCacheops({ store: memory(), models: { '*': { ops: ['get', 'fetch'], ttl: '1m' } } })
const db = cachedPGlite(cacheops, await PGlite.create())
await db.exec('CREATE TABLE posts (id integer PRIMARY KEY, title text); INSERT INTO posts VALUES (1, $$old$$)')
await cacheops.ready()

let hits = 0
cacheops.on('read', (event) => {
  if (event.hit) hits++
})
const title = async () => (await db.query('SELECT title FROM posts WHERE id = $1', [1])).rows[0].title

assert.equal(await title(), 'old')
assert.equal(await title(), 'old')
assert.equal(hits, 1)
await db.query('UPDATE posts SET title = $1 WHERE id = $2', ['new', 1])
assert.equal(await title(), 'new')
assert.equal(hits, 1)

await cacheops.close()
await db.close()
console.log('import: a read, a hit, a write, the new value')
