import { ConfigError } from '../base/errors.js'
import type { Engine } from './engine.js'
import { explain } from './explain.js'
import type { Explanation } from './explanation.js'
import { wireOf } from './wire.js'

/** Explains a text as a fresh connection would run it, without running it. */
export async function explainText(
  engine: Engine,
  sql: string,
  params: readonly unknown[],
  identity: string | undefined,
): Promise<readonly Explanation[]> {
  const candidates = [...engine.sources].filter(
    (source) => identity === undefined || source.access.database === identity || source.database?.id === identity,
  )
  const source = candidates[0]
  if (!source) {
    throw new ConfigError(
      identity === undefined
        ? 'explain: nothing is wrapped yet. Expected a pool, client or database made with cachedPg or cachedPGlite before.'
        : `explain: no attached database has the identity '${identity}'.`,
    )
  }
  const context = await engine.lookAt(source)
  const call = { text: sql, params: params.map(wireOf) }
  return engine
    .analyze(sql)
    .statements.map((analysis) => explain(engine, context, call, analysis, engine.scopes.current))
}
