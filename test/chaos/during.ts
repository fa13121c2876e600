/** What faults are made of. */
import type { RedisProcess } from '../../scripts/redis.js'
import type { Chaos } from './chaos.js'

export const SOME = { reads: 30, writes: 3 }

/** Everyone meets the fault, and goes on. */
export async function working(chaos: Chaos): Promise<void> {
  await chaos.storeErrors()
  await chaos.work(SOME)
}

export function chooseOne(chaos: Chaos, random: () => number) {
  const workers = chaos.alive
  const chosen = workers[Math.floor(random() * workers.length)]
  if (chosen === undefined) throw new Error('no process is alive')
  return { chosen, others: workers.filter((worker) => worker !== chosen) }
}

export async function ok(server: RedisProcess, ...command: readonly string[]): Promise<void> {
  const reply = await server.ask(...command)
  if (!reply.startsWith('+OK')) throw new Error(`${command.join(' ')}: ${reply || 'no reply'}`)
}

export async function stat(server: RedisProcess, name: string): Promise<number> {
  const found = new RegExp(`^${name}:(\\d+)`, 'm').exec(await server.request(['INFO']))
  if (!found) throw new Error(`INFO does not tell ${name}`)
  return Number(found[1])
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
