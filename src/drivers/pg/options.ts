/** What a driver takes beside the module. */
export interface DriverOptions {
  /** The identity of the data, the same in every process that reads or writes it; by default asked of the server. */
  readonly database?: string
  /** It may lag behind the primary: it is served from the cache and fills nothing. */
  readonly replica?: boolean
}
