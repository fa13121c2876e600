import type { Catalog } from '../../src/catalog/catalog.js'
import { loadCatalog } from '../../src/catalog/load.js'
import { bind } from '../../src/invalidation/bind.js'
import type { CallValues, WireParam } from '../../src/invalidation/template.js'
import { planRead, type ReadPlan } from '../../src/plan/read.js'
import { planWrite, type WritePlan } from '../../src/plan/write.js'
import { createAnalyzer, loadParser } from '../../src/sql/analyze.js'
import { pgliteQuery } from '../catalog/support.js'
import { createPGlite } from '../support/pglite.js'

/** Plans statements with the catalog of a real, small database. */
export interface PlanRoom {
  read(sql: string): ReadPlan
  write(sql: string): WritePlan
  /** What a read depends on: `t(a=1) reads a,b`; `t()` is any row, and `*` all columns. Why it is not cached, else. */
  deps(sql: string, ...params: readonly WireParam[]): string[] | string
  /** What WHERE says of the rows that a write meets, in the same words. */
  pins(sql: string): string[]
}

const LIMITS = { maxConjs: 64 }
const BIND = { longDisjunction: 4, maxConjs: 64 }
const PATH = ['pg_catalog', 'public']

export async function planRoom(schema: string): Promise<PlanRoom> {
  await loadParser()
  const db = await createPGlite()
  await db.exec(schema)
  const catalog: Catalog = await loadCatalog(pgliteQuery(db), 'test')
  await db.close()
  const analyzer = createAnalyzer({ maxBytes: 1e6 })

  const analysed = (sql: string) => {
    const [first] = analyzer.analyze(sql).statements
    if (!first) throw new Error(`no statement in ${sql}`)
    return first
  }
  const read = (sql: string): ReadPlan => {
    const { statement } = analysed(sql).template
    if (statement.kind !== 'select') throw new Error(`not a plain query: ${sql}: ${JSON.stringify(statement)}`)
    return planRead(statement.query, catalog, PATH, LIMITS)
  }
  const write = (sql: string): WritePlan =>
    planWrite(analysed(sql).template.statement, catalog, PATH, { triggers: {}, functions: {} }, LIMITS)

  return {
    read,
    write,
    deps(sql, ...params) {
      const plan = read(sql)
      if (!plan.cacheable) return plan.reason
      const values: CallValues = { params, literals: analysed(sql).literals }
      return bind(plan.dependencies, values, BIND)
        .map(({ scheme, values: bound }) => {
          const conj = scheme.compared.map((column, index) => `${column}=${bound[index] ?? 'NULL'}`).join(', ')
          return `${scheme.table.replace('public.', '')}(${conj}) reads ${scheme.read?.join(',') ?? '*'}`
        })
        .sort()
    },
    pins(sql) {
      return (write(sql).rows?.pins ?? []).map((conj) => conj.map(({ column, kind }) => `${column} ${kind}`).join(', '))
    },
  }
}
