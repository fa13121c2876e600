import type { Bench } from './environment.js'

/** One number of the table. */
export interface Measurement {
  readonly name: string
  readonly value: number
  /** `x` is a ratio. */
  readonly unit: 'x' | '%' | 'µs' | 'B'
  /** What it should be at most, or at least where higher is better; undefined where it is only reported. */
  readonly target?: number
  readonly higherIsBetter: boolean
  /** The absolute figures behind a ratio, counts, what was left out. */
  readonly note: string
}

/** What is measured together. A file in `figures/` exports one; `registry.ts` lists them. */
export interface Figure {
  readonly name: string
  /** The names of its measurements, for `--only`. */
  readonly measures: readonly string[]
  run(bench: Bench): Promise<readonly Measurement[]>
}

/** Whether a measurement is what it should be; undefined where nothing is asked of it. */
export function meets({ value, target, higherIsBetter }: Measurement): boolean | undefined {
  if (target === undefined) return undefined
  return higherIsBetter ? value >= target : value <= target
}
