import { rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Duration, parseDuration, show } from '../../base/duration.js'
import { ConfigError } from '../../base/errors.js'
import { Emitter, type Events } from '../../engine/events.js'
import { checkNames } from '../../engine/options.js'
import type { CachedFunction } from '../cached-function.js'
import { shown } from '../keys.js'
import { checkFunction, type FunctionOptions } from '../options.js'
import { CacheMiss, type SimpleCache } from '../simple.js'
import { decode, encode, encodeKey } from '../values.js'
import { type Cleaned, clean, list } from './clean.js'
import { pathOf, readEntry, writeEntry } from './entry-file.js'
import { FileRuns } from './runs.js'

export interface FileCacheOptions {
  /** The directory, made where it is missing. It is this cache's alone, and may be shared by processes of one machine. */
  readonly dir: string
  /** For what does not say otherwise. */
  readonly ttl?: Duration
}

/** A place of the file cache. */
interface Spot {
  readonly path: string
  readonly key: string
}

/** Values in files: each is there whole or not at all, whoever writes at the same time. Not affected by writes to a database. */
export class FileCache implements SimpleCache {
  readonly #dir: string
  readonly #ttl: number | undefined
  readonly #events = new Emitter()
  readonly #names = new Set<string>()
  readonly #runs = new FileRuns()

  /** @throws ConfigError that names the option and what was expected */
  constructor(options: FileCacheOptions) {
    if (typeof options !== 'object' || options === null) {
      throw new ConfigError(`fileCache: expected options such as { dir: '.cache', ttl: '1h' }, got ${show(options)}.`)
    }
    checkNames(options, ['dir', 'ttl'], 'fileCache')
    if (typeof options.dir !== 'string' || options.dir === '') {
      throw new ConfigError(`fileCache: dir: expected the path of a directory, got ${show(options.dir)}.`)
    }
    this.#dir = resolve(options.dir)
    this.#ttl = options.ttl === undefined ? undefined : parseDuration(options.ttl, 'fileCache: ttl')
  }

  async get<T = unknown>(key: string): Promise<T | undefined> {
    return (await this.#read(this.#spot(key), shown('fileCache', [key])))?.value as T | undefined
  }

  async getOrThrow<T = unknown>(key: string): Promise<T> {
    const found = await this.#read(this.#spot(key), shown('fileCache', [key]))
    if (!found) throw new CacheMiss(key)
    return found.value as T
  }

  async set(key: string, value: unknown, options: { readonly ttl?: Duration } = {}): Promise<void> {
    const where = `fileCache[${show(key)}]`
    const ttl = options.ttl === undefined ? this.#ttl : parseDuration(options.ttl, `${where}: ttl`)
    await this.#write(this.#spot(key), value, ttl, where)
  }

  async delete(key: string): Promise<void> {
    await rm(this.#spot(key).path, { force: true })
  }

  /**
   * A function whose results are kept in files, for a time. What cannot be kept, or not be written, is a `failure` event and a
   * result that is not kept.
   */
  cached<Args extends unknown[], T>(
    name: string,
    fn: (...args: Args) => T | PromiseLike<T>,
    options: FunctionOptions<Args> = {},
  ): CachedFunction<Args, T> {
    const checked = checkFunction('fileCache.cached', name, fn, options)
    const ttl = checked.ttl ?? this.#ttl
    if (ttl === undefined) {
      throw new ConfigError(
        `fileCache.cached('${name}'): expected a ttl, here or in fileCache, such as { ttl: '10m' }.`,
      )
    }
    if (this.#names.has(name) && process.env.NODE_ENV !== 'development') {
      throw new ConfigError(
        `fileCache.cached('${name}'): there is a function of this name already. Expected a name of its own.`,
      )
    }
    this.#names.add(name)
    const base = (args: Args) => `cached ${name.length}:${name}${encodeKey(args, `${name}: arguments`)}`
    const spotOf = (args: Args): Spot => {
      const extra = checked.extra(args)
      const variant = extra === undefined ? undefined : encodeKey(extra, `${name}: extra`)
      return { key: `${base(args)} ${variant ?? ''}`, path: pathOf(this.#dir, base(args), variant) }
    }
    const call = async (...args: Args): Promise<T> => {
      const spot = spotOf(args)
      const what = shown(name, args)
      const found = await this.#read(spot, what)
      if (found) return found.value as T
      const landing = this.#runs.join(spot.path)
      const text = landing && (await landing)
      const joined = text === undefined ? undefined : this.#decoded(text, what)
      if (joined) return joined.value as T
      return this.#runs.run(spot.path, async (stands) => {
        const value = await fn(...args)
        return { value, text: await this.#keep(spot, value, ttl, what, stands) }
      })
    }
    return Object.assign(call, {
      invalidate: async (...args: Args): Promise<void> => {
        const path = pathOf(this.#dir, base(args))
        this.#runs.drop(path)
        const variants = (await list(dirname(path))).filter((file) => file.split('-')[0] === basename(path))
        for (const file of variants) await rm(join(dirname(path), file), { force: true })
      },
      key: (...args: Args) => ({
        get: async () => (await this.#read(spotOf(args), shown(name, args)))?.value as T | undefined,
        set: async (value: T, given: { readonly ttl?: Duration } = {}) => {
          const what = shown(name, args)
          const time = given.ttl === undefined ? ttl : parseDuration(given.ttl, `${what}: ttl`)
          const spot = spotOf(args)
          this.#runs.drop(spot.path)
          await this.#write(spot, value, time, `the value for ${what}`)
        },
        delete: async () => {
          const { path } = spotOf(args)
          this.#runs.drop(path)
          await rm(path, { force: true })
        },
      }),
    })
  }

  /** Removes what has expired. */
  clean(): Promise<Cleaned> {
    return clean(this.#dir)
  }

  /** Hears of results that could not be kept; gives the function that stops it. */
  on(name: 'failure', listener: (event: Events['failure']) => void): () => void {
    if (name !== 'failure') throw new ConfigError(`on: expected 'failure', got ${show(name)}.`)
    return this.#events.on(name, listener)
  }

  #spot(key: string): Spot {
    if (typeof key !== 'string') throw new TypeError(`fileCache: expected a text as the key, got ${show(key)}.`)
    const own = `simple ${key}`
    return { key: own, path: pathOf(this.#dir, own) }
  }

  async #read({ path, key }: Spot, what: string): Promise<{ readonly value: unknown } | undefined> {
    const text = await readEntry(path, key)
    return text === undefined ? undefined : this.#decoded(text, what)
  }

  #decoded(text: string, what: string): { readonly value: unknown } | undefined {
    try {
      return { value: decode(text) }
    } catch (error) {
      this.#failed(`${what} cannot be read`, error)
      return undefined
    }
  }

  async #write({ path, key }: Spot, value: unknown, ttl: number | undefined, where: string): Promise<void> {
    if (ttl === undefined)
      throw new ConfigError(`${where}: expected a ttl, here or in fileCache, such as { ttl: '10m' }.`)
    await writeEntry(path, key, encode(value, where), Date.now() + ttl)
  }

  /** The text of a result that others may be given; undefined where it cannot be kept. */
  async #keep(
    { path, key }: Spot,
    value: unknown,
    ttl: number,
    what: string,
    stands: () => boolean,
  ): Promise<string | undefined> {
    try {
      const text = encode(value, `the result of ${what}`)
      if (!stands()) return undefined
      await writeEntry(path, key, text, Date.now() + ttl)
      // It was dropped while it was written: what is there now may be this, or a later one; a miss either way.
      if (stands()) return text
      await rm(path, { force: true })
      return undefined
    } catch (error) {
      this.#failed(`${what} cannot be kept`, error)
      return undefined
    }
  }

  #failed(message: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error)
    this.#events.emit('failure', { what: 'file', message: `${message}: ${why}`, error })
  }
}
