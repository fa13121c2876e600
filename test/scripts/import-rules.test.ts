import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { checkImports } from '../../scripts/import-rules.js'

const directories: string[] = []

/** A `src/` with these files. */
function source(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'cacheops-imports-'))
  directories.push(directory)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  return directory
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

describe('the rooms', () => {
  it('may import what the table says', () => {
    const directory = source({
      'base/errors.ts': 'export class E extends Error {}',
      'sql/analyze.ts': "import { E } from '../base/errors.js'\nexport const analyze = () => new E()",
      'engine/engine.ts': "export { analyze } from '../sql/analyze.js'",
      'drivers/pg/index.ts':
        "import type { Pool } from 'pg'\nexport { analyze } from '../../engine/engine.js'\nexport type P = Pool",
      'index.ts': "export { analyze } from './engine/engine.js'",
    })
    expect(checkImports(directory)).toEqual([])
  })

  const forbidden: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    [
      'upwards',
      { 'base/a.ts': "import { b } from '../sql/b.js'", 'sql/b.ts': '' },
      "src/base/a.ts:1: base imports sql ('../sql/b.js'), and may import no other room",
    ],
    [
      'upwards by type',
      { 'sql/a.ts': "\n\nimport type { B } from '../catalog/b.js'", 'catalog/b.ts': '' },
      "src/sql/a.ts:3: sql imports catalog ('../catalog/b.js'), and may import base",
    ],
    [
      'upwards by an inline type',
      { 'sql/a.ts': "export let b: import('../catalog/b.js').B", 'catalog/b.ts': '' },
      "src/sql/a.ts:1: sql imports catalog ('../catalog/b.js'), and may import base",
    ],
    [
      'upwards by import()',
      { 'store/a.ts': "export const b = () => import('../engine/b.js')", 'engine/b.ts': '' },
      "src/store/a.ts:1: store imports engine ('../engine/b.js'), and may import base, invalidation",
    ],
    [
      'upwards by export from',
      { 'base/a.ts': "export * from '../sql/b.js'", 'sql/b.ts': '' },
      "src/base/a.ts:1: base imports sql ('../sql/b.js'), and may import no other room",
    ],
    [
      'sideways, a driver a driver',
      { 'drivers/pg/a.ts': "import '../pglite/b.js'", 'drivers/pglite/b.ts': '' },
      "src/drivers/pg/a.ts:1: drivers/pg imports drivers/pglite ('../pglite/b.js'), and may import engine, plan, base",
    ],
    [
      'out through the door',
      { 'engine/a.ts': "import '../index.js'", 'index.ts': '' },
      "src/engine/a.ts:1: engine imports (root) ('../index.js'), and may import base, sql, catalog, invalidation, plan, store, session",
    ],
    [
      'out of src',
      { 'engine/a.ts': "import '../../test/a.js'" },
      "src/engine/a.ts:1: engine imports '../../test/a.js': no such file in src",
    ],
    [
      'a room that is not in the table',
      { 'utils/a.ts': '' },
      'src/utils/a.ts: utils is not a room: add it to the table in scripts/import-rules.ts and docs',
    ],
    [
      'itself by name',
      { 'engine/a.ts': "import 'cacheops'" },
      "src/engine/a.ts:1: engine imports 'cacheops': the package does not import itself by its name",
    ],
    [
      'the parser elsewhere',
      { 'plan/a.ts': "import 'libpg-query'" },
      "src/plan/a.ts:1: plan imports 'libpg-query': only sql may",
    ],
    [
      'a driver itself, not its types',
      { 'drivers/pg/a.ts': "import pg from 'pg'" },
      "src/drivers/pg/a.ts:1: drivers/pg imports 'pg': only its types may be imported; users pass the module in",
    ],
    [
      'a package that nobody allowed',
      { 'engine/a.ts': "import 'lodash'" },
      "src/engine/a.ts:1: engine imports 'lodash': this package is not in the table of packages in scripts/import-rules.ts",
    ],
    [
      'a clock in a pure room',
      { 'plan/a.ts': "import 'node:timers'" },
      "src/plan/a.ts:1: plan imports 'node:timers': this room is pure: no I/O and no clock",
    ],
  ]
  it.each(forbidden)('may not import %s', (_name, files, violation) => {
    expect(checkImports(source(files))).toEqual([violation])
  })

  it('have no circles, not even of types', () => {
    const directory = source({
      'engine/a.ts': "import { b } from './b.js'\nexport const a = b",
      'engine/b.ts': "import type { C } from './c.js'\nexport const b: C = 1",
      'engine/c.ts': "export type { a } from './a.js'\nexport type C = number",
    })
    expect(checkImports(directory)).toEqual([
      'circle: src/engine/a.ts -> src/engine/b.ts -> src/engine/c.ts -> src/engine/a.ts',
    ])
  })

  it('are not confused by text that looks like an import', () => {
    const directory = source({
      'base/a.ts':
        "// import '../engine/b.js'\nexport const text = `import '../engine/b.js'`\nexport const open = '/*'",
    })
    expect(checkImports(directory)).toEqual([])
  })
})
