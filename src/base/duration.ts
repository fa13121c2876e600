import { ConfigError } from './errors.js'

/** A length of time with its unit: `'500ms'`, `'30s'`, `'15m'`, `'1h'`, `'30d'`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * A duration in milliseconds.
 *
 * @param where - what the value is for, e.g. `models.users.ttl`, for the error
 * @throws ConfigError where it is not a positive number with a unit
 */
export function parseDuration(value: unknown, where: string): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null
  const length = match ? Number(match[1]) * (UNITS[match[2] as string] as number) : 0
  if (!(length > 0) || !Number.isFinite(length)) {
    const hint =
      typeof value === 'number'
        ? ` A bare number has no unit: write '${value}s' for seconds or '${value}ms' for milliseconds.`
        : ''
    throw new ConfigError(
      `${where}: expected a duration with its unit, such as '500ms', '15m', '1h' or '30d', got ${show(value)}.${hint}`,
    )
  }
  return length
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value === 'function') return `a function${value.name ? ` (${value.name})` : ''}`
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}
