import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RedisCluster, type RedisStandalone, startCluster, startRedis } from '../../../scripts/redis.js'

let one: RedisStandalone
let cluster: RedisCluster
beforeAll(async () => {
  ;[one, cluster] = await Promise.all([startRedis(), startCluster()])
})
afterAll(async () => {
  await one.stop()
  await cluster.stop()
})

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** A process that uses a store and neither closes it nor ends by itself; resolves with what it said when it has ended. */
async function run(connection: string, work: string): Promise<string> {
  const program = `
    const { redis } = await import(${JSON.stringify(`${root}src/store/redis/index.ts`)})
    const store = redis(${connection}, { readTimeout: '10s', writeTimeout: '10s' })
    ${work}
    console.log('done')`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { cwd: root })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  const [code] = await once(child, 'close')
  return `${output.trim()} ${code}`
}

it.each(['one server', 'a cluster'])(
  'no connection to %s keeps a process alive, and one that waits is kept',
  async (kind) => {
    const connection =
      kind === 'one server' ? JSON.stringify(one.server.url) : JSON.stringify({ cluster: cluster.nodes })
    const work = `
    const catalogStamp = await store.catalogStamp('db')
    await store.read({ key: 'k', database: 'db', tables: [], catalogStamp, dependencies: () => [] })
    await new Promise((resolve) => setTimeout(resolve, 300)) // it listens to others by now
    await store.invalidate('db', [{ kind: 'table', table: 'public.t' }])
    await store.block('db', ['public.t'], 'token')`
    expect(await run(connection, work)).toBe('done 0')
  },
)

it('nor does a server that is gone', async () => {
  const gone = await startRedis()
  const { url } = gone.server
  await gone.stop()
  const work = `await store.catalogStamp('db').catch((error) => console.log(error.code))`
  expect(await run(JSON.stringify(url), work)).toBe('CACHEOPS_STORE\ndone 0')
})
