import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** One side of a comparison: does its work of one round. */
export type Side = (round: number) => Promise<void> | void

export interface Comparison {
  readonly a: Side
  readonly b: Side
  /** How much each side does in a round, for figures per operation. */
  readonly operations: number
  readonly rounds: number
  /** Rounds that are run before, and not counted. */
  readonly warmUp: number
  /** `cpu`: this process's, user and system. `time`: the clock's. */
  readonly meter: 'cpu' | 'time'
  /** Collect garbage before each side of each round. */
  readonly collect?: boolean
}

export interface Ratio {
  /** The median of the rounds' a : b. */
  readonly ratio: number
  /** Medians in microseconds an operation. */
  readonly a: number
  readonly b: number
  /** The middle half of the rounds' ratios. */
  readonly spread: readonly [number, number]
}

/**
 * Runs two sides turn about, so that what else the machine does meets both, and gives the median of the ratios of
 * neighbours, so that a round that was disturbed does not count. Which side goes first changes from round to round.
 */
export async function compare(comparison: Comparison): Promise<Ratio> {
  const { a, b, operations, rounds, warmUp, collect = false } = comparison
  const meter = comparison.meter === 'cpu' ? cpuMicroseconds : clockMicroseconds
  const timed = async (side: Side, round: number): Promise<number> => {
    if (collect) collectGarbage()
    const start = meter()
    await side(round)
    return (meter() - start) / operations
  }
  const ofA: number[] = []
  const ofB: number[] = []
  for (let round = 0; round < warmUp + rounds; round++) {
    const first = round % 2 === 0 ? a : b
    const one = await timed(first, round)
    const other = await timed(first === a ? b : a, round)
    if (round < warmUp) continue
    ofA.push(first === a ? one : other)
    ofB.push(first === a ? other : one)
  }
  const ratios = ofA.map((value, index) => value / (ofB[index] as number))
  return {
    ratio: median(ratios),
    a: median(ofA),
    b: median(ofB),
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  }
}

/** One call of a side, by its number. */
export type Call = (number: number) => Promise<unknown>

export interface CallComparison {
  readonly a: Call
  readonly b: Call
  readonly calls: number
  /** Calls of each side that are made before, and not counted. */
  readonly warmUp: number
  /** Runs before each hundred calls, not timed. */
  readonly before?: () => Promise<void>
}

const CHUNK = 100

/**
 * How long a caller waits: the two sides call turn about, and the ratio is that of their medians, so that the calls that
 * the machine's other work, or the collection of garbage, held up do not count.
 */
export async function compareCalls(comparison: CallComparison): Promise<Ratio> {
  const { a, b, calls, warmUp, before } = comparison
  const ofA: number[] = []
  const ofB: number[] = []
  const timed = async (call: Call, number: number, into: number[]): Promise<void> => {
    const start = clockMicroseconds()
    await call(number)
    const took = clockMicroseconds() - start
    if (number >= warmUp) into.push(took)
  }
  for (let number = 0; number < warmUp + calls; number++) {
    if (before && number % CHUNK === 0) await before()
    if (number % 2 === 0) {
      await timed(a, number, ofA)
      await timed(b, number, ofB)
    } else {
      await timed(b, number, ofB)
      await timed(a, number, ofA)
    }
  }
  const ratios: number[] = []
  for (let from = 0; from < calls; from += CHUNK) {
    ratios.push(median(ofA.slice(from, from + CHUNK)) / median(ofB.slice(from, from + CHUNK)))
  }
  const [medianA, medianB] = [median(ofA), median(ofB)]
  return { ratio: medianA / medianB, a: medianA, b: medianB, spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)] }
}

/** e.g. `9.1 µs : 84.2 µs, middle half 0.105–0.113`. */
export function shown({ a, b, spread }: Ratio): string {
  return `${a.toFixed(1)} µs : ${b.toFixed(1)} µs, middle half ${spread[0].toFixed(3)}–${spread[1].toFixed(3)}`
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** By linear interpolation; 0 is the smallest, 1 the largest. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('bench: no values to take a quantile of')
  const sorted = [...values].sort((x, y) => x - y)
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)] as number
  const high = sorted[Math.ceil(at)] as number
  return low + (high - low) * (at - Math.floor(at))
}

export function clockMicroseconds(): number {
  return performance.now() * 1000
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

let gc: (() => void) | undefined

/** Works without `--expose-gc`. */
export function collectGarbage(): void {
  if (!gc) {
    setFlagsFromString('--expose-gc')
    gc = runInNewContext('gc') as () => void
  }
  gc()
}
