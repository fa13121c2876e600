/** What a server says of itself in its reply to INFO. */
export interface ServerInfo {
  /** Changes when the server is started again, and when it becomes master. Undefined where the server hides it. */
  readonly id: string | undefined
  readonly replica: boolean
  readonly clusterMode: boolean
  readonly version: string
  readonly usedBytes: number
  readonly evicted: number
  readonly keys: number
}

export function parseInfo(text: string): ServerInfo {
  const values = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0) values.set(line.slice(0, colon), line.slice(colon + 1))
  }
  const run = values.get('run_id')
  const replication = values.get('master_replid')
  let keys = 0
  for (const [name, value] of values) {
    if (/^db\d+$/.test(name)) keys += Number(/keys=(\d+)/.exec(value)?.[1] ?? 0)
  }
  return {
    // A12: a restart changes the first, a promotion the second; either may have lost invalidations.
    id: meaningful(run) && meaningful(replication) ? `${run}:${replication}` : undefined,
    replica: values.get('role') === 'slave' || values.get('role') === 'replica',
    clusterMode: values.get('cluster_enabled') === '1',
    version: values.get('redis_version') ?? '',
    usedBytes: Number(values.get('used_memory') ?? 0),
    evicted: Number(values.get('evicted_keys') ?? 0),
    keys,
  }
}

/** Some services say nothing, or zeros. */
function meaningful(id: string | undefined): boolean {
  return id !== undefined && /[1-9a-f]/i.test(id)
}
