import { afterEach, beforeEach, describe } from 'vitest'
import type { MaybePromise } from '../../src/base/vocabulary.js'
import type { Store } from '../../src/store/store.js'
import { blocks } from './contract-blocks.js'
import { invalidation } from './contract-invalidation.js'
import { leases } from './contract-leases.js'
import { recalls } from './contract-recalls.js'
import { randomHistories } from './histories.js'

/** A fresh, empty store, for one test. */
export interface StoreUnderTest {
  readonly store: Store
  /** The same cache as another process sees it: a store of its own over a network, the same object in memory. */
  readonly other: Store
  /** Makes the store lose stamps (and what else it likes), as memory pressure would: at best all that exist. */
  loseStamps(): MaybePromise<void>
  /** Drops all that the test has made. */
  end(): MaybePromise<void>
}

export interface ContractOptions {
  /** Most schemes of a table. */
  readonly maxSchemes?: number
}

export type MakeStore = (options?: ContractOptions) => MaybePromise<StoreUnderTest>

/** What every store keeps. Written once; `runs` is the number of random histories. */
export function storeContract(name: string, makeStore: MakeStore, { runs = 300 }: { runs?: number } = {}): void {
  describe(`the store contract: ${name}`, () => {
    describe('step by step', () => {
      let test: StoreUnderTest
      beforeEach(async () => {
        test = await makeStore()
      })
      afterEach(() => test.end())
      leases(() => test)
      recalls(() => test)
      invalidation(() => test, makeStore)
      blocks(() => test)
    })
    randomHistories(makeStore, runs)
  })
}
