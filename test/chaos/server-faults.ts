import type { RedisProcess } from '../../scripts/redis.js'
import type { Chaos, Fault } from './chaos.js'
import { chooseOne, ok, pause, SOME, stat, working } from './during.js'
import { otherLayout } from './sources.js'
import type { TcpProxy } from './tcp-proxy.js'
import { until } from './until.js'

/** What the faults of one server are done to. */
export interface ServerSite {
  readonly chaos: Chaos
  readonly server: RedisProcess
  /** Some of the processes reach the server through it. */
  readonly proxy: TcpProxy
  readonly random: () => number
}

/** Every fault of one server and of the processes around it. */
export const SERVER_FAULTS: readonly Fault<ServerSite>[] = [
  {
    name: 'killed, restarted empty',
    async during({ chaos, server }) {
      await server.kill()
      await working(chaos)
      await server.start()
    },
  },
  {
    name: 'killed, restarted from an old RDB',
    soak: true,
    async during({ chaos, server }) {
      await ok(server, 'SAVE')
      await chaos.work(SOME)
      await server.kill()
      await working(chaos)
      // It is loaded because it is there.
      await server.start()
      if ((await server.ask('DBSIZE')) === ':0') throw new Error('nothing was loaded')
    },
  },
  {
    name: 'restarted from an old RDB at once',
    async during({ chaos, server }) {
      await chaos.stop()
      // So that what was saved has an entry of everything.
      await chaos.look()
      await ok(server, 'SAVE')
      await chaos.goOn()
      await chaos.work({ writes: 5 })
      // Nobody writes over what the old state hides.
      await chaos.stop()
      await server.kill()
      await server.start()
    },
  },
  {
    name: 'paused, shorter than the timeout',
    async during({ chaos, server, random }) {
      server.signal('SIGSTOP')
      await pause(random() * 200)
      server.signal('SIGCONT')
      await chaos.work(SOME)
    },
  },
  {
    name: 'paused, longer than the timeout',
    async during({ chaos, server }) {
      server.signal('SIGSTOP')
      await working(chaos)
      server.signal('SIGCONT')
    },
  },
  {
    name: 'FLUSHALL',
    async during({ chaos, server }) {
      for (let i = 0; i < 3; i++) {
        await ok(server, 'FLUSHALL')
        await chaos.work({ reads: 10, writes: 1 })
      }
    },
  },
  {
    name: 'evicting, allkeys-lru',
    during: (site) => evicting(site, 'allkeys-lru'),
  },
  {
    name: 'evicting, volatile-lru',
    during: (site) => evicting(site, 'volatile-lru'),
  },
  {
    name: 'out of memory',
    async during({ chaos, server }) {
      await ok(server, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
      await ok(server, 'CONFIG', 'SET', 'maxmemory', '1')
      await working(chaos)
      await ok(server, 'CONFIG', 'SET', 'maxmemory', '0')
    },
  },
  {
    name: 'NOREPLICAS',
    async during({ chaos, server }) {
      await ok(server, 'CONFIG', 'SET', 'min-replicas-to-write', '1')
      await working(chaos)
      await ok(server, 'CONFIG', 'SET', 'min-replicas-to-write', '0')
    },
  },
  {
    name: 'READONLY',
    async during({ chaos, server }) {
      // Of a master that is not there.
      await ok(server, 'REPLICAOF', '127.0.0.1', '1')
      await working(chaos)
      await ok(server, 'REPLICAOF', 'NO', 'ONE')
    },
  },
  {
    name: 'CLIENT KILL',
    async during({ chaos, server }) {
      for (let i = 0; i < 3; i++) {
        await server.ask('CLIENT', 'KILL', 'TYPE', 'normal')
        await chaos.work({ reads: 10, writes: 1 })
      }
    },
  },
  {
    name: 'connections cut',
    async during({ chaos, proxy }) {
      proxy.cut()
      await chaos.work(SOME)
      proxy.mend()
    },
  },
  {
    name: 'connections cut at once',
    soak: true,
    async during({ chaos, proxy }) {
      for (let i = 0; i < 5; i++) {
        proxy.cutOnce()
        await chaos.work({ reads: 5, writes: 1 })
      }
    },
  },
  {
    name: 'answers lost',
    async during({ chaos, proxy }) {
      proxy.loseAnswers()
      await chaos.work(SOME)
      proxy.mend()
    },
  },
  {
    name: 'connections stalled',
    soak: true,
    async during({ chaos, proxy }) {
      proxy.stall()
      await chaos.work(SOME)
      proxy.mend()
    },
  },
  {
    name: 'a process stopped',
    soak: true,
    async during({ chaos, random }) {
      const { others, chosen } = chooseOne(chaos, random)
      chosen.signal('SIGSTOP')
      // What it has locked in the database stays so.
      await chaos.work({ reads: 100 }, others)
      chosen.signal('SIGCONT')
    },
  },
  {
    name: 'a process stopped, the server restarted from an old RDB meanwhile',
    async during({ chaos, server, random }) {
      await ok(server, 'SAVE')
      await chaos.work(SOME)
      const { others, chosen } = chooseOne(chaos, random)
      chosen.signal('SIGSTOP')
      await server.kill()
      await server.start()
      // What it has locked in the database stays so.
      await chaos.work({ reads: 100 }, others)
      chosen.signal('SIGCONT')
    },
  },
  {
    name: 'a writer killed between commit and invalidation',
    async during({ chaos, random }) {
      const { chosen } = chooseOne(chaos, random)
      await chosen.die()
      await chaos.work(SOME)
      await chaos.replace(chosen)
    },
  },
  {
    name: 'a process killed',
    soak: true,
    async during({ chaos, random }) {
      const { chosen } = chooseOne(chaos, random)
      await chosen.kill()
      await chaos.work(SOME)
      await chaos.replace(chosen)
    },
  },
  {
    name: 'a deploy during an outage',
    async during({ chaos, server, random }) {
      const { chosen } = chooseOne(chaos, random)
      await server.kill()
      const [fresh] = await chaos.start(1)
      if (fresh === undefined) throw new Error('no process was started')
      await working(chaos)
      await server.start()
      await chaos.retire(chosen)
    },
  },
  {
    name: 'a process of another layout',
    async during({ chaos }) {
      const { source, remove } = otherLayout()
      try {
        const [other] = await chaos.start(1, () => ({ source }))
        await chaos.work({ reads: 100, writes: 10 })
        if (other) await chaos.retire(other)
      } finally {
        remove()
      }
    },
  },
  {
    name: 'ADD COLUMN by another process',
    async during({ chaos, random }) {
      await chaos.addColumn(chooseOne(chaos, random).chosen)
      await chaos.work(SOME)
    },
  },
  {
    name: 'a new trigger by another process',
    async during({ chaos, random }) {
      await chaos.addTrigger(chooseOne(chaos, random).chosen)
      await chaos.work(SOME)
    },
  },
]

async function evicting({ chaos, server }: ServerSite, policy: string): Promise<void> {
  await ok(server, 'CONFIG', 'SET', 'maxmemory-policy', policy)
  const before = await stat(server, 'evicted_keys')
  // Less than is used, again and again: it throws away until it has so much, if it can.
  await until('something is evicted', async () => {
    const used = await stat(server, 'used_memory')
    await ok(server, 'CONFIG', 'SET', 'maxmemory', String(used - 10_000))
    await chaos.work({ reads: 10 })
    return (await stat(server, 'evicted_keys')) > before + 20
  })
  await chaos.work(SOME)
  await ok(server, 'CONFIG', 'SET', 'maxmemory', '0')
}
