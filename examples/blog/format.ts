/** `85 µs`, `1.24 ms`, `2.1 s`. */
export function formatTime(milliseconds: number): string {
  if (milliseconds < 0.9995) return `${Math.round(milliseconds * 1000)} µs`
  if (milliseconds < 999.5) return `${milliseconds.toPrecision(3)} ms`
  return `${(milliseconds / 1000).toFixed(1)} s`
}

export const formatNumber = (value: number): string => value.toLocaleString('en-US')

/** `1 post`, `2 posts`. */
export const plural = (count: number, noun: string): string => `${formatNumber(count)} ${noun}${count === 1 ? '' : 's'}`
