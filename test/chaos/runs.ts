import { startCluster, startRedis, startSentinel } from '../../scripts/redis.js'
import { Chaos, type Fault } from './chaos.js'
import type { Verdict } from './check.js'
import { CLUSTER_FAULTS } from './cluster-faults.js'
import { randomOf } from './random.js'
import { SENTINEL_FAULTS } from './sentinel-faults.js'
import { SERVER_FAULTS } from './server-faults.js'
import { TcpProxy } from './tcp-proxy.js'

const PREFIX = 'chaos'

/** Which faults of a list happen, in which order. */
export type Choice = <T extends Pick<Fault<never>, 'name' | 'soak'>>(
  faults: readonly T[],
  random: () => number,
) => readonly T[]

/** One of each kind. */
export const ordinary: Choice = (faults) => faults.filter(({ soak }) => soak !== true)

/** So many, at random; some more than once. */
export function some(count: number): Choice {
  return (faults, random) =>
    Array.from({ length: count }, () => faults[Math.floor(random() * faults.length)] as (typeof faults)[number])
}

export interface Plan {
  readonly seed: number
  readonly choose: Choice
  /** Another copy of cacheops' sources. */
  readonly source?: string
}

/** One server, two processes that reach it directly, and two through a proxy. */
export async function oneServer({ seed, choose, source }: Plan): Promise<Verdict> {
  const servers = await startRedis()
  const { server } = servers
  const proxy = await TcpProxy.open(server.port)
  const store = (port: number) => ({ connection: { host: '127.0.0.1', port }, prefix: PREFIX })
  const chaos = await Chaos.open(store(server.port), seed)
  try {
    const own = source === undefined ? {} : { source }
    await chaos.start(4, (index) => (index < 2 ? own : { ...own, store: store(proxy.port) }))
    const random = randomOf(seed)
    return await carryOut(chaos, choose(SERVER_FAULTS, random), { chaos, server, proxy, random })
  } finally {
    await chaos.close()
    await proxy.close()
    await servers.stop()
  }
}

/** A master with a replica under three sentinels. */
export async function underSentinel({ seed, choose }: Plan): Promise<Verdict> {
  const servers = await startSentinel()
  const { sentinels, name } = servers
  const chaos = await Chaos.open({ connection: { sentinels, name }, prefix: PREFIX }, seed)
  try {
    await chaos.start(3)
    const random = randomOf(seed)
    return await carryOut(chaos, choose(SENTINEL_FAULTS, random), { chaos, servers, random })
  } finally {
    await chaos.close()
    await servers.stop()
  }
}

/** Three masters with a replica each. */
export async function inCluster({ seed, choose }: Plan): Promise<Verdict> {
  const cluster = await startCluster({ replicas: 1 })
  const chaos = await Chaos.open({ connection: { cluster: cluster.nodes }, prefix: PREFIX }, seed)
  try {
    await chaos.start(3)
    const random = randomOf(seed)
    return await carryOut(chaos, choose(CLUSTER_FAULTS, random), { chaos, cluster, random })
  } finally {
    await chaos.close()
    await cluster.stop()
  }
}

async function carryOut<Site>(chaos: Chaos, faults: readonly Fault<Site>[], site: Site): Promise<Verdict> {
  for (const fault of faults) await chaos.fault(fault, site)
  return await chaos.end()
}
