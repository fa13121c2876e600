import { afterEach, describe, expect, it } from 'vitest'
import { Chaos } from './chaos.js'
import { type Choice, oneServer } from './runs.js'
import { trusting } from './sources.js'

describe('the check of the chaos suite', () => {
  let chaos: Chaos | undefined
  afterEach(async () => {
    await chaos?.close()
    chaos = undefined
  })

  it('finds nothing in one process with the store in memory', async () => {
    chaos = await Chaos.open('memory', 1)
    await chaos.start(1)
    await chaos.work({ reads: 500, writes: 50 })
    const { stale, hits, lost } = await chaos.end()
    expect(stale).toEqual([])
    expect(lost).toBe(0)
    expect(hits).toBeGreaterThan(50)
  })

  it('finds invalidations that were not carried out', async () => {
    chaos = await Chaos.open('memory', 2)
    await chaos.start(1, () => ({ faulty: { lost: 0.3 } }))
    await chaos.work({ reads: 500, writes: 50 })
    expect((await chaos.end()).stale).not.toEqual([])
  })

  it('finds processes that do not know of each other', async () => {
    chaos = await Chaos.open('memory', 3)
    await chaos.start(2)
    await chaos.work({ reads: 300, writes: 50 })
    expect((await chaos.end()).stale).not.toEqual([])
  })

  it('finds what a server says that was restarted from an old state, where A12 is left out', async () => {
    const { source, remove } = trusting()
    try {
      const choose: Choice = (faults) => faults.filter(({ name }) => name === 'restarted from an old RDB at once')
      expect((await oneServer({ seed: 4, choose, source })).stale).not.toEqual([])
    } finally {
      remove()
    }
  }, 120_000)
})
