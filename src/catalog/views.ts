import type { ViewLine } from './rows.js'

/** What is known of a view, to any depth. */
export interface ViewFacts {
  readonly reads: readonly number[]
  readonly definition: string
  readonly pure: boolean
  /** User functions in it and in the views that it reads. */
  readonly calls: readonly number[]
}

/**
 * Kinds of nodes in a view's tree whose value depends on their operands and on the functions that were looked at by
 * themselves. Missing on purpose (A10): SQLVALUEFUNCTION (current_date), COERCEVIAIO and COERCETODOMAIN (functions of types),
 * TABLESAMPLECLAUSE, XMLEXPR, TABLEFUNC, JSON*, ROWCOMPARE, and whatever later versions bring. Some were renamed in 16.
 */
const PURE_NODES = new Set(
  `QUERY RTE RANGETBLENTRY RTEPERMISSIONINFO PERMINFO ALIAS RANGETBLREF RANGETBLFUNCTION JOINEXPR FROMEXPR TARGETENTRY VAR CONST
  OPEXPR DISTINCTEXPR NULLIFEXPR SCALARARRAYOPEXPR BOOLEXPR FUNCEXPR NAMEDARGEXPR AGGREF GROUPINGFUNC WINDOWFUNC
  WINDOWCLAUSE SUBLINK CASE CASEEXPR WHEN CASEWHEN CASETESTEXPR ARRAY ARRAYEXPR ROW ROWEXPR COALESCE COALESCEEXPR MINMAX
  MINMAXEXPR NULLTEST BOOLEANTEST RELABELTYPE COLLATE COLLATEEXPR FIELDSELECT ARRAYCOERCEEXPR SUBSCRIPTINGREF
  PARAM SORTGROUPCLAUSE GROUPINGSET SETOPERATIONSTMT COMMONTABLEEXPR`.split(/\s+/),
)

/** Follows views that read views. A materialized view is where it ends: it holds rows of its own (A16). */
export function viewFacts(
  lines: readonly ViewLine[],
  materialized: ReadonlySet<number>,
  callsOf: (view: number) => readonly number[],
): ReadonlyMap<number, ViewFacts> {
  const byOid = new Map(lines.map((line) => [line[0], line]))
  const done = new Map<number, ViewFacts>()

  function follow(line: ViewLine): ViewFacts {
    const [view, definition, nodes, direct, immutable] = line
    const known = done.get(view)
    if (known) return known
    const reads = new Set<number>()
    const calls = new Set(callsOf(view))
    let pure = immutable && (nodes ?? []).every((node) => PURE_NODES.has(node))
    for (const oid of direct ?? []) {
      // A tree names its own view as OLD and NEW.
      if (oid === view) continue
      reads.add(oid)
      const inner = byOid.get(oid)
      if (!inner || materialized.has(oid)) continue
      const facts = follow(inner)
      for (const fn of facts.calls) calls.add(fn)
      for (const deeper of facts.reads) reads.add(deeper)
      pure &&= facts.pure
    }
    const facts = {
      reads: [...reads].sort((a, b) => a - b),
      definition: definition.replace(/;\s*$/, '').trim(),
      pure,
      calls: [...calls],
    }
    done.set(view, facts)
    return facts
  }

  for (const line of lines) follow(line)
  return done
}
