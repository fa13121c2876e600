import type { Instance } from './instance.js'
import type { Target } from './target.js'

const RAW = ['execProtocol', 'execProtocolRaw', 'execProtocolRawSync', 'execProtocolStream', 'execProtocolRawStream']
const BESIDE = ['describeQuery', 'listen', 'unlisten', 'refreshArrayTypes']

/** The instance, with what goes through the cache in the place of its own methods. */
export function proxied(target: Target, instance: Instance): Target {
  const query = instance.query.bind(instance)
  const close = (): Promise<void> => instance.close(() => target.close())
  const own: Record<PropertyKey, unknown> = {
    query,
    exec: instance.exec.bind(instance),
    sql: (strings: TemplateStringsArray, ...values: unknown[]) => instance.sql(strings, values, query),
    transaction: instance.transaction.bind(instance),
    close,
  }
  const inner = target as unknown as Record<PropertyKey, unknown>
  if (Symbol.asyncDispose in target) own[Symbol.asyncDispose] = close
  const over = (names: readonly string[], run: (send: () => unknown) => unknown): void => {
    for (const name of names) {
      const method = inner[name]
      if (typeof method !== 'function') continue
      own[name] = (...args: unknown[]) => run(() => Reflect.apply(method, target, args))
    }
  }
  over(RAW, (send) => instance.raw(send))
  over(BESIDE, (send) => instance.beside(send))

  /** Its other methods, which need the instance itself for their private fields. */
  const bound = new WeakMap<object, unknown>()
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(own, key)) return own[key]
      const value = inner[key]
      if (typeof value !== 'function' || key === 'constructor') return value
      let method = bound.get(value)
      if (!method) {
        method = value.bind(target)
        bound.set(value, method)
      }
      return method
    },
    set: (_, key, value) => Reflect.set(target, key, value, target),
  })
}
