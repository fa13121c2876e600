import { bind } from '../invalidation/bind.js'
import type { Dependency } from '../invalidation/dependency.js'
import type { BindLimits, CallValues } from '../invalidation/template.js'
import { operationOf } from '../plan/operation.js'
import type { RowWrite } from '../plan/row-write.js'
import { changesAnything } from '../plan/write.js'
import type { Analysis } from '../sql/analysis.js'
import type { Call } from './connection.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import type { ExplainedConj, ExplainedRows, Explanation } from './explanation.js'
import { saidValues } from './pins.js'
import type { Scope } from './scope.js'

/** Explains one statement under a session's context. `reason` is what the session itself has against caching. */
export function explain(
  engine: Core,
  context: Context,
  call: Pick<Call<unknown>, 'text' | 'params'>,
  analysis: Analysis,
  scope: Scope,
  reason?: string,
): Explanation {
  const values = { params: call.params, literals: analysis.literals }
  const plan = context.planner.plan(analysis.template)
  const sql = call.text.slice(analysis.start, analysis.end)
  if (!plan.read) {
    const { statement } = analysis.template
    const { write } = plan
    const changes = changesAnything(write)
    const own = write.rows ? [write.rows] : []
    const why = changes
      ? 'it writes'
      : statement.kind === 'opaque'
        ? statement.reason
        : write.locks
          ? 'it takes locks'
          : `it is no read (${statement.kind})`
    return {
      sql,
      kind: changes ? 'write' : 'other',
      cached: false,
      reason: reason ?? why,
      tables: [...new Set([...[...own, ...write.unseen].map(({ table }) => table.id), ...write.tables])],
      dependencies: [],
      writes: {
        ...(write.rows ? { rows: explainRows(write.rows, values, engine.reader.limits) } : {}),
        unseen: write.unseen.map((rows) => explainRows(rows, values, engine.reader.limits)),
        tables: write.tables,
        database: write.database,
        reasons: write.reasons,
      },
    }
  }
  const read = reason ?? engine.reader.decide(context, plan.read, analysis, values, scope, call.text)
  const dependencies = plan.read.cacheable ? bind(plan.read.dependencies, values, engine.reader.limits) : []
  const past = typeof read === 'string' ? read : read.onlyLeased
  return {
    sql,
    kind: 'read',
    operation: operationOf(plan.read.operation, values),
    cached: past === undefined,
    ...(typeof read === 'string' || past !== undefined ? { reason: past as string } : { ttl: read.ttl }),
    ...(typeof read !== 'string' && read.pattern !== undefined ? { pattern: read.pattern } : {}),
    tables: plan.read.tables.map((table) => table.id),
    dependencies: dependencies.map(({ scheme, values: bound }) => ({
      table: scheme.table,
      reads: scheme.read ?? '*',
      conj: conjOf({ scheme, values: bound }),
      scheme: scheme.id,
    })),
  }
}

/** What a row must meet to matter to a dependency. */
export function conjOf({ scheme, values }: Dependency): ExplainedConj {
  return Object.fromEntries(scheme.compared.map((column, index) => [column, values[index] ?? null]))
}

function explainRows(write: RowWrite, values: CallValues, limits: BindLimits): ExplainedRows {
  return {
    operation: write.upsert ? 'upsert' : write.operation,
    table: write.table.id,
    changed: write.changed ?? '*',
    pinned: saidValues(write, values, limits).map((said) => Object.fromEntries(said)),
    cascades: [...new Set(write.cascades.flatMap(({ reaches }) => reaches))],
  }
}
