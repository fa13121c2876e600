import type { Choices } from './choices.js'

export type Menu<T> = readonly (readonly [weight: number, value: T])[]

/**
 * What one case is fond of: a few of the forms, much more often than the others. Where every case does a little of
 * everything, what has to come together for a mistake to show seldom does.
 */
export function menu<T>(c: Choices, all: Menu<T>, fond: number): Menu<T> {
  const liked = new Set<number>()
  while (liked.size < Math.min(fond, all.length)) {
    let index = c.int(all.length)
    while (liked.has(index)) index = (index + 1) % all.length
    liked.add(index)
  }
  const share = all.reduce((sum, [weight]) => sum + weight, 0)
  return all.map(([weight, value], index) => [liked.has(index) ? weight + Math.ceil(share / fond) : weight, value])
}
