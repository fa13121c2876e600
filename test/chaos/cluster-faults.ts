import type { RedisCluster, RedisProcess } from '../../scripts/redis.js'
import type { Chaos, Fault } from './chaos.js'
import { ok, SOME } from './during.js'
import { until } from './until.js'

export interface ClusterSite {
  readonly chaos: Chaos
  readonly cluster: RedisCluster
  readonly random: () => number
}

/** Faults of a cluster of three masters, each with a replica. */
export const CLUSTER_FAULTS: readonly Fault<ClusterSite>[] = [
  {
    name: 'a node killed, and replaced by its replica',
    async during({ chaos, cluster, random }) {
      const { node, replica } = await pair(cluster, random)
      await node.kill()
      await promoted(replica)
      await chaos.work(SOME)
      await node.start()
      await whole(cluster)
    },
  },
  {
    name: 'a node restarted empty',
    soak: true,
    async during({ chaos, cluster, random }) {
      const { node } = await pair(cluster, random)
      await node.kill()
      await node.start()
      await chaos.work(SOME)
      await whole(cluster)
    },
  },
  {
    name: 'a node restarted from an old RDB',
    async during({ chaos, cluster, random }) {
      const { node } = await pair(cluster, random)
      await ok(node, 'SAVE')
      await chaos.work({ reads: 60, writes: 10 })
      await node.kill()
      await node.start()
      await chaos.work(SOME)
      await whole(cluster)
    },
  },
  {
    name: 'a node replaced by a replica that lacks invalidations',
    async during({ chaos, cluster, random }) {
      const { node, replica } = await pair(cluster, random)
      replica.signal('SIGSTOP')
      // What the node would still send it is lost.
      await node.ask('CLIENT', 'KILL', 'TYPE', 'replica')
      await chaos.work({ reads: 100, writes: 20 })
      await node.kill()
      replica.signal('SIGCONT')
      await ok(replica, 'CLUSTER', 'FAILOVER', 'TAKEOVER')
      await promoted(replica)
      await chaos.work(SOME)
      await node.start()
      await whole(cluster)
    },
  },
  {
    name: 'a node paused until it is replaced',
    soak: true,
    async during({ chaos, cluster, random }) {
      const { node, replica } = await pair(cluster, random)
      node.signal('SIGSTOP')
      await promoted(replica)
      await chaos.work(SOME)
      node.signal('SIGCONT')
      await whole(cluster)
    },
  },
  {
    name: 'FLUSHALL on a node',
    soak: true,
    async during({ chaos, cluster, random }) {
      const { node } = await pair(cluster, random)
      await ok(node, 'FLUSHALL')
      await chaos.work(SOME)
    },
  },
]

/** A master and its replica. */
async function pair(
  cluster: RedisCluster,
  random: () => number,
): Promise<{ readonly node: RedisProcess; readonly replica: RedisProcess }> {
  const infos = await Promise.all(
    cluster.processes.map(async (server) => ({ server, info: await server.request(['INFO', 'replication']) })),
  )
  const masters = infos.filter(({ info }) => info.includes('role:master'))
  const { server: node } = masters[Math.floor(random() * masters.length)] as (typeof infos)[number]
  const replica = infos.find(({ info }) => info.includes(`master_port:${node.port}\r\n`))?.server
  if (replica === undefined) throw new Error(`no replica follows the node on port ${node.port}`)
  return { node, replica }
}

async function promoted(replica: RedisProcess): Promise<void> {
  await until('the replica is master', async () =>
    (await replica.request(['INFO', 'replication'])).includes('role:master'),
  )
}

/** Three masters, each with a replica that is up to date. */
async function whole(cluster: RedisCluster): Promise<void> {
  await until('the cluster is whole', async () => {
    const infos = await Promise.all(
      cluster.processes.map(async (server) => [
        await server.request(['CLUSTER', 'INFO']),
        await server.request(['INFO', 'replication']),
      ]),
    )
    const masters = infos.filter(([, info]) => info?.includes('role:master') && info.includes('state=online'))
    const replicas = infos.filter(([, info]) => info?.includes('master_link_status:up'))
    return (
      masters.length === 3 && replicas.length === 3 && infos.every(([state]) => state?.includes('cluster_state:ok'))
    )
  })
}
