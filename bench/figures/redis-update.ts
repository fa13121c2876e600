import type { Figure } from '../figure.js'
import { updateFigure } from './update.js'

/** An autocommit UPDATE by key with 20 schemes in use, over Redis, against the uncached one. */
export const redisUpdate: Figure = {
  name: 'redis-update',
  measures: ['redis-update'],
  async run(bench) {
    const store = bench.subject.redis(await bench.redis())
    const text = 'UPDATE blog_post SET views = views + 1 WHERE id = $1'
    return [await updateFigure(bench, store, { name: 'redis-update', text, target: 1.3, asTheServer: true })]
  },
}
