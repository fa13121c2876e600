import type { Machine } from './environment.js'
import { type Measurement, meets } from './figure.js'

/** The table for people. */
export function table(measurements: readonly Measurement[], machine: Machine): string {
  const rows = measurements.map((measurement) => [
    measurement.name,
    shown(measurement.value, measurement.unit),
    target(measurement),
    { true: 'ok', false: 'MISS', undefined: '' }[String(meets(measurement)) as 'true' | 'false' | 'undefined'],
    measurement.note,
  ])
  const lines = [['figure', 'value', 'target', '', ''], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => (line[column] as string).length)))
  return [
    ...lines.map((line) =>
      line
        .map((cell, column) => pad(cell, widths[column] ?? 0, column))
        .join('  ')
        .trimEnd(),
    ),
    '',
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, PostgreSQL ${machine.postgres}, ${machine.date}`,
  ].join('\n')
}

/** One line for programs. */
export function json({ name, value, unit, target, higherIsBetter }: Measurement): string {
  return JSON.stringify({ name, value: rounded(value), unit, target: target ?? null, higherIsBetter })
}

function target({ target, unit, higherIsBetter }: Measurement): string {
  return target === undefined ? '' : `${higherIsBetter ? '≥' : '≤'} ${shown(target, unit)}`
}

function shown(value: number, unit: Measurement['unit']): string {
  return `${rounded(value)} ${unit}`
}

/** Three digits that count. */
function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

function pad(cell: string, width: number, column: number): string {
  return column === 1 || column === 2 ? cell.padStart(width) : cell.padEnd(width)
}
