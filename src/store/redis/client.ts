/**
 * What the store needs of a client library. Replies are text, numbers, null and lists of them; an error reply rejects with the
 * server's words as the message.
 */
export interface RedisClient {
  /** Which library and topology it is, for people. */
  readonly name: string
  /** Keys of several slots cannot be in one command. */
  readonly cluster: boolean
  /** Sends a command to the master that has the key. The list is the client's then. */
  send(key: string, command: string[]): Promise<unknown>
  /** Where commands about the key go now; the same for all keys where there is one master. */
  route(key: string): string
  /** Resolves when commands can be sent. Rejects where that is not to be expected soon. */
  ready(): Promise<void>
  /** Each master, by its route, with its reply to INFO. */
  info(): Promise<ReadonlyMap<string, string>>
  /** `listener` is called before a reply of a server arrives that is not the one known so far, or not for sure. */
  onUncertain(listener: () => void): void
  /**
   * Hears a channel over a connection of its own, until that breaks: then `lost` is called, once.
   */
  hear(channel: string, listener: (message: string) => void, lost: () => void): Promise<Hearing>
  /**
   * Publishes by way of every master, so that whoever hears them all knows that nothing is in between. Gives their routes;
   * what is not published is not heard.
   *
   * @param message - by route
   */
  publish(channel: string, message: (route: string) => string): readonly string[]
  /**
   * Drops the connections of a route, or all for `''`, and makes new ones, where they are its own; does nothing to a user's
   * client.
   */
  renew(route: string): void
  /** Ends its own connections; a user's client stays as it is. */
  close(): Promise<void>
}

/** A connection that hears a channel. */
export interface Hearing {
  close(): void
}
