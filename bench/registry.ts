import type { Figure } from './figure.js'
import { analysisKnown } from './figures/analysis-known.js'
import { blog } from './figures/blog.js'
import { hit20 } from './figures/hit-20.js'
import { hitOne } from './figures/hit-one.js'
import { invalidate100k } from './figures/invalidate-100k.js'
import { miss } from './figures/miss.js'
import { redisBlog } from './figures/redis-blog.js'
import { redisBytes } from './figures/redis-bytes.js'
import { redisHit } from './figures/redis-hit.js'
import { redisInvalidate } from './figures/redis-invalidate.js'
import { redisUpdate } from './figures/redis-update.js'
import { update } from './figures/update.js'

/** In the order of the table. A new figure is a file in `figures/` and a line here. */
export const FIGURES: readonly Figure[] = [
  hitOne,
  hit20,
  analysisKnown,
  miss,
  update,
  invalidate100k,
  blog,
  redisHit,
  redisUpdate,
  redisInvalidate,
  redisBytes,
  redisBlog,
]
