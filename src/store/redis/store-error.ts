import { CacheopsError } from '../../base/errors.js'

/** The store could not do what it was asked for: no answer in time, no connection, or a server that may not be trusted. */
export class StoreError extends CacheopsError {
  constructor(message: string, options?: ErrorOptions) {
    super('CACHEOPS_STORE', message, options)
  }
}
