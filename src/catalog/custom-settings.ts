import type { CatalogRows } from './rows.js'

const READ = /\bcurrent_setting\s*\(\s*'([a-z_][\w$]*(?:\.[a-z_][\w$]*)+)'/gi

/**
 * Settings of the user's own, such as `app.tenant`, that views, policies and functions name where they read them; in lower
 * case, as case does not count. They cannot be listed otherwise: PostgreSQL knows of them only in the session that sets them.
 */
export function customSettings(rows: CatalogRows): readonly string[] {
  const names = new Set<string>()
  const texts = [
    ...rows.views.map((view) => view[1]),
    ...rows.policies.flatMap((policy) => [policy[3], policy[4]]),
    ...rows.functions.map((fn) => fn[6]),
  ]
  for (const text of texts) {
    for (const [, name] of text.matchAll(READ)) names.add((name as string).toLowerCase())
  }
  return [...names].sort()
}
