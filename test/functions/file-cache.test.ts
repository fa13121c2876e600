import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { readFile, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CacheMiss, type FileCache, fileCache } from '../../src/functions/file/index.js'
import { gate } from './support.js'

let dir: string
let files: FileCache
let runs: number
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cacheops-file-'))
  files = fileCache({ dir: join(dir, 'made', 'when needed'), ttl: '1h' })
  runs = 0
})
afterEach(() => rmSync(dir, { recursive: true }))

function paths(): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path).isFile())
}
const only = (): string => {
  const [path, ...more] = paths()
  expect(more).toEqual([])
  return path as string
}

describe('fileCache', () => {
  it('get, getOrThrow, set, delete', async () => {
    expect(await files.get('a')).toBeUndefined()
    await expect(files.getOrThrow('a')).rejects.toThrow(CacheMiss)
    const value = { at: new Date(5), list: new Map([[1n, Buffer.from('x')]]), text: 'ü\n\u0000' }
    await files.set('a', value)
    await files.set('b', undefined)
    expect(await files.get('a')).toStrictEqual(value)
    expect(await files.getOrThrow('b')).toBeUndefined()
    expect(await fileCache({ dir: join(dir, 'made', 'when needed') }).get('a')).toStrictEqual(value)
    await files.set('a', 2)
    expect(await files.get('a')).toBe(2)
    await files.delete('a')
    await files.delete('a')
    expect(await files.get('a')).toBeUndefined()
    expect(paths()).toHaveLength(1)
  })

  it('ends by the time of the file: what has expired is never read', async () => {
    await files.set('short', 1, { ttl: '20ms' })
    await vi.waitUntil(async () => (await files.get('short')) === undefined, { timeout: 20_000, interval: 5 })
    await files.set('a', 1)
    expect(statSync(paths().find((path) => statSync(path).mtimeMs > Date.now()) as string).mtimeMs).toBeGreaterThan(
      Date.now() + 3_000_000,
    )
    for (const path of paths()) await utimes(path, 1, Date.now() / 1000 - 1)
    expect(await files.get('a')).toBeUndefined()
  })

  const damages: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
    ['empty', () => Buffer.alloc(0)],
    ['cut short', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['cut in its first line', (bytes) => bytes.subarray(0, 20)],
    ['longer', (bytes) => Buffer.concat([bytes, Buffer.from(' ')])],
    ['changed', (bytes) => Buffer.from(bytes.toString().replace('value', 'VALUE'))],
    ['of another layout', (bytes) => Buffer.from(bytes.toString().replace('cacheops-file 1', 'cacheops-file 2'))],
    ['something else', () => Buffer.from('{"json":true}\n{}')],
  ]
  it.each(damages)('a damaged file is a miss: %s', async (_, damage) => {
    await files.set('a', 'a value')
    const path = only()
    await writeFile(path, damage(await readFile(path)))
    await utimes(path, 1, Date.now() / 1000 + 60)
    expect(await files.get('a')).toBeUndefined()
    await files.set('a', 'new')
    expect(await files.get('a')).toBe('new')
  })

  it("another key's file is a miss", async () => {
    await files.set('a', 'a value')
    const bytes = await readFile(only())
    await files.set('b', 'b value')
    for (const path of paths()) {
      await writeFile(path, bytes)
      await utimes(path, 1, Date.now() / 1000 + 60)
    }
    expect(await files.get('a')).toBe('a value')
    expect(await files.get('b')).toBeUndefined()
  })

  it('what cannot be kept, or not be read, is said', async () => {
    await expect(files.set('a', () => 1)).rejects.toThrow(/fileCache\['a'\]: expected JSON values/)
    expect(paths()).toEqual([])
    const file = join(dir, 'a file')
    await writeFile(file, '')
    const blocked = fileCache({ dir: file, ttl: '1h' })
    await expect(blocked.set('a', 1)).rejects.toThrow(/ENOTDIR|EEXIST/)
    await expect(blocked.get('a')).rejects.toThrow(/ENOTDIR/)
  })

  it('refuses what cannot be', async () => {
    expect(() => fileCache({} as never)).toThrow(/dir: expected the path/)
    expect(() => fileCache({ dir, ttl: 5 as never })).toThrow(/ttl: expected a duration/)
    expect(() => fileCache({ dir, timeout: '1h' } as never)).toThrow(/no option 'timeout'/)
    expect(() => fileCache(undefined as never)).toThrow(/expected options/)
    await expect(fileCache({ dir }).set('a', 1)).rejects.toThrow(/expected a ttl/)
    expect(() => fileCache({ dir }).cached('a', () => 1)).toThrow(/expected a ttl/)
    await expect(files.get(5 as never)).rejects.toThrow(TypeError)
    files.cached('a', () => 1)
    expect(() => files.cached('a', () => 1)).toThrow(/of this name already/)
  })

  it('clean() removes what has expired and what was left half written, and nothing else', async () => {
    for (const key of ['a', 'b', 'c']) await files.set(key, key)
    const [expired, fresh, third] = paths() as [string, string, string]
    await utimes(expired, 1, Date.now() / 1000 - 1)
    const unfinished = `${third}.1-0123456789abcdef.tmp`
    const foreign = join(dir, 'made', 'when needed', 'README')
    for (const path of [unfinished, foreign, `${fresh}.bak`]) await writeFile(path, 'x')
    for (const path of [foreign, `${fresh}.bak`]) await utimes(path, 1, 1)
    expect(await files.clean()).toEqual({ removed: 1, left: 3 })
    expect(paths().sort()).toEqual([fresh, third, unfinished, foreign, `${fresh}.bak`].sort())
    // An hour later.
    vi.useFakeTimers({ now: Date.now() + 3_700_000, toFake: ['Date'] })
    try {
      expect(await files.clean()).toEqual({ removed: 3, left: 0 })
    } finally {
      vi.useRealTimers()
    }
    expect(paths().sort()).toEqual([foreign, `${fresh}.bak`].sort())
    expect(await fileCache({ dir: join(dir, 'nothing') }).clean()).toEqual({ removed: 0, left: 0 })
  })

  it('is safe for processes that write the same keys at the same time', async () => {
    const script = fileURLToPath(new URL('file-writer.ts', import.meta.url))
    const run = (name: string) =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', script, join(dir, 'shared'), '300', name])
    const ends = await Promise.all(['one', 'two', 'three'].map(run))
    for (const { stdout } of ends) expect(Number(/^read (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(0)
    expect(paths().filter((path) => path.endsWith('.tmp'))).toEqual([])
    expect(paths()).toHaveLength(5)
  })
})

describe('fileCache.cached', () => {
  it('keeps results, by arguments and extra', async () => {
    let language = 'en'
    const top = files.cached('top', (category: string) => `${category} ${language} ${++runs}`, {
      extra: () => language,
    })
    expect(await top('news')).toBe('news en 1')
    expect(await top('news')).toBe('news en 1')
    language = 'de'
    expect(await top('news')).toBe('news de 2')
    expect(await top('sports')).toBe('sports de 3')
    await top.invalidate('news')
    expect(await top('sports')).toBe('sports de 3')
    expect(await top('news')).toBe('news de 4')
    language = 'en'
    expect(await top('news')).toBe('news en 5')
    await top.key('news').set('mine', { ttl: '1m' })
    expect(await top('news')).toBe('mine')
    expect(await top.key('news').get()).toBe('mine')
    await top.key('news').delete()
    expect(await top.key('news').get()).toBeUndefined()
    expect(await top('news')).toBe('news en 6')
  })

  it('callers at the same time share a run, and each has a result of his own; an error is for each', async () => {
    const go = gate()
    const list = files.cached('list', async () => {
      runs++
      await go.opened
      return [runs]
    })
    const all = Promise.all([list(), list(), list()])
    await vi.waitUntil(() => runs === 1)
    go.open()
    const [one, two] = await all
    expect(runs).toBe(1)
    one?.push(2)
    expect(two).toEqual([1])
    const failing = files.cached('failing', async () => {
      throw new Error(`run ${++runs}`)
    })
    await expect(failing()).rejects.toThrow('run 2')
    await expect(failing()).rejects.toThrow('run 3')
  })

  it('a call inside of itself does not wait for itself', async () => {
    const deep: () => Promise<number> = files.cached('deep', async () => (++runs < 3 ? deep() : runs))
    expect(await deep()).toBe(3)
  })

  it('B1: a run that began before invalidate(), or before set(), is not kept after it', async () => {
    let go = gate()
    const slow = files.cached('slow', async () => {
      const own = ++runs
      await go.opened
      return own
    })
    const first = slow()
    await vi.waitUntil(() => runs === 1)
    await slow.invalidate()
    const second = slow()
    await vi.waitUntil(() => runs === 2)
    go.open()
    expect([await first, await second]).toEqual([1, 2])
    expect(await slow()).toBe(2)
    await slow.invalidate()
    go = gate()
    const third = slow()
    await vi.waitUntil(() => runs === 3)
    await slow.key().set(99)
    go.open()
    expect([await third, await slow()]).toEqual([3, 99])
  })

  it('a result that cannot be kept is given, and told of', async () => {
    const failures: string[] = []
    files.on('failure', ({ what, message }) => void failures.push(`${what}: ${message}`))
    const page = files.cached('page', () => ({ render: () => 'x' }))
    expect((await page()).render()).toBe('x')
    expect(failures).toEqual([
      expect.stringMatching(/^file: page\(\) cannot be kept: the result of page\(\)\.render: expected/),
    ])
  })
})
