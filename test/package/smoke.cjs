// The same package by require().
const assert = require('node:assert/strict')
const pg = require('pg')
const { createCacheops, memory } = require('cacheops')
const { cachedPg } = require('cacheops/pg')

const cacheops = createCacheops({ store: memory(), defaults: { ttl: '1h' }, models: { posts: 'all' } })
const cached = cachedPg(cacheops, pg)
assert.equal(typeof cached.Pool, 'function')
assert.notEqual(cached.Pool, pg.Pool)
cacheops.close().then(() => console.log('require: createCacheops and cachedPg'))
