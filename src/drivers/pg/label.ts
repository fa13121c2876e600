/** Where a pool or client leads, for messages; never a password. */
export function labelOf(what: string, options: object): string {
  const { host, port, database, connectionString } = options as Record<string, unknown>
  if (typeof connectionString === 'string') {
    try {
      const url = new URL(connectionString)
      return `${what} on ${url.host}${url.pathname}`
    } catch {
      return what
    }
  }
  return `${what} on ${host ?? 'localhost'}:${port ?? 5432}/${database ?? ''}`
}
