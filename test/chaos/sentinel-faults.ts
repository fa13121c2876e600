import type { RedisProcess, RedisSentinel } from '../../scripts/redis.js'
import type { Chaos, Fault } from './chaos.js'
import { chooseOne, pause, SOME, working } from './during.js'
import { until } from './until.js'

export interface SentinelSite {
  readonly chaos: Chaos
  readonly servers: RedisSentinel
  readonly random: () => number
}

/** As long as docs/redis.md says that a master may be believed that is none any more. */
const BOUND_MS = 3000

/** Faults of a master with one replica under sentinels. */
export const SENTINEL_FAULTS: readonly Fault<SentinelSite>[] = [
  {
    name: 'a failover by command',
    soak: true,
    async during({ chaos, servers }) {
      await servers.failOver()
      await chaos.work(SOME)
      await followed(servers)
    },
  },
  {
    name: 'the master killed',
    async during({ chaos, servers }) {
      const { master } = await roles(servers)
      await master.kill()
      await working(chaos)
      await replaced(servers, master)
      await master.start()
      await followed(servers)
    },
  },
  {
    name: 'a failover that loses invalidations',
    async during({ chaos, servers }) {
      const { master, replica } = await roles(servers)
      replica.signal('SIGSTOP')
      // What the master would still send it is lost.
      await master.ask('CLIENT', 'KILL', 'TYPE', 'replica')
      await chaos.work({ reads: 100, writes: 20 })
      await master.kill()
      replica.signal('SIGCONT')
      await replaced(servers, master)
      await chaos.work(SOME)
      await master.start()
      await followed(servers)
    },
  },
  {
    name: 'the master paused until it is replaced, and a process with it',
    async during({ chaos, servers, random }) {
      const { master } = await roles(servers)
      const { chosen, others } = chooseOne(chaos, random)
      chosen.signal('SIGSTOP')
      master.signal('SIGSTOP')
      await replaced(servers, master)
      // What they hit is in the new master.
      await chaos.work({ hits: 20 }, others)
      await pause(BOUND_MS)
      // It takes itself for the master still.
      master.signal('SIGCONT')
      chosen.signal('SIGCONT')
      await chaos.work(SOME)
      await followed(servers)
    },
  },
]

async function roles(
  servers: RedisSentinel,
): Promise<{ readonly master: RedisProcess; readonly replica: RedisProcess }> {
  const master = await servers.master()
  const replica = servers.processes.find((server) => server !== master)
  if (replica === undefined) throw new Error('there is no replica')
  return { master, replica }
}

async function replaced(servers: RedisSentinel, master: RedisProcess): Promise<void> {
  await until('another server is master', async () => (await servers.master()) !== master)
}

/** The other server has become a replica that is up to date. */
async function followed(servers: RedisSentinel): Promise<void> {
  await until('the replica follows', async () => {
    const { master, replica } = await roles(servers)
    const [mine, its] = await Promise.all([master, replica].map((server) => server.request(['INFO', 'replication'])))
    return (mine ?? '').includes('state=online') && (its ?? '').includes('master_link_status:up')
  })
}
