import { CacheopsError } from '../../base/errors.js'

/** The store could not do what it was asked for: no answer in time, no connection, or a server that may not be trusted. */
export class StoreError extends CacheopsError {
  constructor(message: string, options?: ErrorOptions) {
    super('CACHEOPS_STORE', message, options)
  }
}

/** It is not known any longer which server a reply came from. To ask again may be all that is needed. */
export class ConnectionChanged extends StoreError {}
