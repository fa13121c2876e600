import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Figure } from '../figure.js'
import type { Part, Start } from '../redis-blog-process.js'
import { compare, shown } from '../rounds.js'

const PROCESSES = 2
const WARM_UP = 8_000
const MEASURED = 12_000
const ROUNDS = 24
const SEED = 20_240_101

const SCRIPT = fileURLToPath(new URL('../redis-blog-process.ts', import.meta.url))

interface Counted {
  hits: number
  misses: number
}

/** The blog workload in two processes over one Redis, with and without entries kept in the processes, against uncached. */
export const redisBlog: Figure = {
  name: 'redis-blog',
  measures: ['redis-blog', 'redis-blog-local'],
  async run(bench) {
    const redis = await bench.redis()
    const [plain, shared, local] = await Promise.all(
      ['plain', 'redis', 'local'].map((name) => bench.blog(`redis_${name}`)),
    )
    const urls = { plain, redis: shared, local } as Start['urls']
    const children = Array.from({ length: PROCESSES }, (_, index) => {
      const start: Start = { redis, urls, seed: SEED + index, count: WARM_UP + MEASURED }
      return fork(SCRIPT, [JSON.stringify(start)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    })
    try {
      await Promise.all(children.map((child) => answer(child)))
      const size = MEASURED / ROUNDS
      const warmUp = WARM_UP / size
      const counts: Record<string, Counted> = {}
      const side = (way: Part['way']) => async (round: number) => {
        const part: Part = { way, from: round * size, to: (round + 1) * size }
        const done = await Promise.all(
          children.map((child) => {
            const counted = answer(child) as Promise<Counted>
            child.send(part)
            return counted
          }),
        )
        if (round < warmUp) return
        counts[way] ??= { hits: 0, misses: 0 }
        for (const { hits, misses } of done) {
          counts[way].hits += hits
          counts[way].misses += misses
        }
      }
      const measure = async (name: string, way: Part['way']) => {
        const operations = size * PROCESSES
        const result = await compare({
          a: side('plain'),
          b: side(way),
          operations,
          warmUp,
          rounds: ROUNDS,
          meter: 'time',
        })
        const { hits = 0, misses = 0 } = counts[way] ?? {}
        const rate = ((hits / (hits + misses)) * 100).toFixed(1)
        const note = `uncached : cached in ${PROCESSES} processes, ${shown(result)}, ${rate} % hits`
        return { name, value: result.ratio, unit: 'x' as const, higherIsBetter: true, note }
      }
      return [await measure('redis-blog', 'redis'), await measure('redis-blog-local', 'local')]
    } finally {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null || !child.connected) return
          const over = once(child, 'exit')
          child.send('end')
          await over
        }),
      )
    }
  },
}

/** The child's next message. */
function answer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const heard = (message: unknown): void => {
      child.off('exit', gone)
      resolve(message)
    }
    const gone = (): void => {
      child.off('message', heard)
      reject(new Error('redis-blog: a process ended'))
    }
    child.once('message', heard)
    child.once('exit', gone)
  })
}
