/**
 * `npm run bench [-- --json] [-- --only name]`: the speed of cacheops, as ratios taken in one run (docs/performance.md).
 * A missed target is printed and is no failure; an error is.
 */
import { parseArgs } from 'node:util'
import { Environment } from './environment.js'
import type { Figure, Measurement } from './figure.js'
import { FIGURES } from './registry.js'
import { json, table } from './report.js'

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } },
})

function chosen(only: readonly string[] | undefined): readonly Figure[] {
  if (!only) return FIGURES
  const named = FIGURES.filter((figure) => [figure.name, ...figure.measures].some((name) => only.includes(name)))
  if (named.length > 0) return named
  const known = [...new Set(FIGURES.flatMap(({ name, measures }) => [name, ...measures]))]
  throw new Error(`--only ${only.join(' ')}: there is no such figure. Known are ${known.join(', ')}.`)
}

async function main(): Promise<void> {
  const figures = chosen(options.only)
  const start = performance.now()
  const tell = (line: string): void => {
    process.stderr.write(`${((performance.now() - start) / 1000).toFixed(0).padStart(4)} s  ${line}\n`)
  }
  const environment = await Environment.open(tell)
  const stop = (): void => {
    const end = () => process.exit(130)
    environment.close().then(end, end)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const all: Measurement[] = []
    for (const [index, figure] of figures.entries()) {
      tell(`${index + 1} of ${figures.length}: ${figure.name}`)
      const measured = await figure.run(environment)
      await environment.rest()
      for (const measurement of measured) {
        if (options.only && ![figure.name, measurement.name].some((name) => options.only?.includes(name))) continue
        all.push(measurement)
        if (options.json) process.stdout.write(`${json(measurement)}\n`)
      }
    }
    if (!options.json) process.stdout.write(`${table(all, environment.machine)}\n`)
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    await environment.close()
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
})
