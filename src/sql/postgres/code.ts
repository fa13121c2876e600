import type { OwnFunction, ProgramCode } from '../statement.js'
import { bodyOf, listOf, nodeOf, type Raw, requiredText, textOf } from './raw.js'

/** What a DO block runs. */
export function doCode(body: Raw): ProgramCode {
  let source = ''
  let language = 'plpgsql'
  for (const [name, arg] of options(body, 'args')) {
    if (name === 'as') source = requiredText(arg.body, 'sval')
    else if (name === 'language') language = requiredText(arg.body, 'sval')
  }
  return { language, source }
}

/** CREATE FUNCTION in the session's temporary schema: no other session can call it, and no bare name means it. */
export function createdFunction(body: Raw): OwnFunction | undefined {
  const [schema, name, ...more] = namesOf(listOf(body, 'funcname'))
  if (schema !== 'pg_temp' || name === undefined || more.length > 0) return undefined
  // With arguments the name alone would not say which function a call means.
  const takes = listOf(body, 'parameters').some((item) => !GIVES.has(nodeOf(item).body.mode))
  if (takes) return { name }
  const code = { language: 'sql', source: undefined as string | undefined }
  for (const [option, arg] of options(body, 'options')) {
    if (option === 'language') code.language = requiredText(arg.body, 'sval')
    else if (option === 'as') {
      const [source, ...others] = listOf(arg.body, 'items')
      if (others.length === 0) code.source = requiredText(nodeOf(source).body, 'sval')
    }
  }
  const { language, source } = code
  // A body between BEGIN ATOMIC and END has no source.
  return { name, ...(source !== undefined && { code: { language, source } }) }
}

/** DROP FUNCTION of nothing but the session's own. */
export function dropsOwnFunctions(body: Raw): boolean {
  const objects = listOf(body, 'objects')
  if (body.removeType !== 'OBJECT_FUNCTION' || objects.length === 0) return false
  return objects.every((object) => namesOf(listOf(nodeOf(object).body, 'objname'))[0] === 'pg_temp')
}

/** `CREATE INDEX` over plain columns with operators that are built in: it runs nobody's function. */
export function isPlainIndex(body: Raw): boolean {
  if (body.whereClause !== undefined) return false
  return [...listOf(body, 'indexParams'), ...listOf(body, 'indexIncludingParams')].every((item) => {
    const column = nodeOf(item).body
    return textOf(column, 'name') !== undefined && column.opclass === undefined && column.expr === undefined
  })
}

const GIVES: ReadonlySet<unknown> = new Set(['FUNC_PARAM_OUT', 'FUNC_PARAM_TABLE'])

function* options(body: Raw, field: string): Iterable<readonly [string, ReturnType<typeof nodeOf>]> {
  for (const item of listOf(body, field)) {
    const option = nodeOf(item).body
    const arg = bodyOf(option, 'arg')
    if (arg) yield [requiredText(option, 'defname'), nodeOf(arg)]
  }
}

function namesOf(list: readonly unknown[]): readonly string[] {
  return list.map((item) => requiredText(nodeOf(item).body, 'sval'))
}
