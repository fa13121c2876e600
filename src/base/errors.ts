/** The base of every error that cacheops itself throws. `code` is stable; the message is for people. */
export class CacheopsError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** A configuration that cannot be right. The message names the input, what was expected and what to do. */
export class ConfigError extends CacheopsError {
  constructor(message: string, options?: ErrorOptions) {
    super('CACHEOPS_CONFIG', message, options)
  }
}
