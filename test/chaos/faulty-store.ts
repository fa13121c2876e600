import type { Store } from '../../src/store/store.js'

/** How to break a store, so that the check is seen to fail: `lost`, the share of invalidations that is said to be done and is not. */
export interface Faulty {
  readonly lost: number
}

/** A store with its `invalidate` replaced. */
export function withInvalidate(store: Store, invalidate: Store['invalidate']): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'invalidate') return invalidate
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

export function faultyStore(store: Store, { lost }: Faulty, random: () => number): Store {
  return withInvalidate(store, (database, changes) => {
    const forgotten = random() < lost && changes.every(({ kind }) => kind === 'rows')
    return store.invalidate(database, forgotten ? [] : changes)
  })
}
