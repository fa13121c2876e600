/**
 * `npm run check:imports`: which room of `src/` may import which (docs/architecture.md), type imports included, and no
 * circles between files.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync, Visitor } from 'oxc-parser'

/** A room's name → the rooms that its files may import, besides its own. `'*'` is every room. */
const ROOMS: Readonly<Record<string, readonly string[] | '*'>> = {
  base: [],
  sql: ['base'],
  catalog: ['base', 'sql'],
  invalidation: ['base', 'sql', 'catalog'],
  plan: ['base', 'sql', 'catalog', 'invalidation'],
  store: ['base', 'invalidation'],
  session: ['base', 'sql', 'invalidation'],
  engine: ['base', 'sql', 'catalog', 'invalidation', 'plan', 'store', 'session'],
  // Each folder in `drivers/` and `orm/` is a room of its own.
  'drivers/*': ['engine', 'plan', 'base'],
  'orm/*': ['engine', 'base'],
  functions: ['engine', 'store', 'base'],
  web: ['functions', 'base'],
  templates: ['functions', 'base'],
  cli: '*',
  // `src/index.ts` and its neighbours: the doors through which users come in. Nothing inside goes out through them.
  '(root)': '*',
}

/** Packages and the rooms that may import them; `types` where only their types may be, since users pass the module in. */
const PACKAGES: readonly { readonly name: RegExp; readonly rooms: readonly string[]; readonly types?: true }[] = [
  { name: /^libpg-query$/, rooms: ['sql'] },
  { name: /^pg$/, rooms: ['drivers/pg'], types: true },
  { name: /^@electric-sql\/pglite$/, rooms: ['drivers/pglite'], types: true },
  // Loaded when a store is made from a URL or options.
  { name: /^ioredis$/, rooms: ['store'] },
]

/** Rooms that are functions of values: no I/O and no clock. */
const PURE = ['base', 'sql', 'invalidation', 'plan']
const IMPURE_BUILTINS =
  /^(node:)?(fs|fs\/promises|net|tls|http|https|http2|dns|dgram|child_process|worker_threads|cluster|timers|timers\/promises|perf_hooks|readline)$/

interface Import {
  readonly specifier: string
  readonly types: boolean
  readonly line: number
}

/** One line for each import of `directory` (a `src/`) that is against the rules, and for each circle. */
export function checkImports(directory: string): readonly string[] {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[cm]?tsx?$/.test(name))
    .map((name) => join(directory, name))
    .sort()
  const violations: string[] = []
  const graph = new Map<string, string[]>()
  const name = (file: string) => `src/${relative(directory, file).split(sep).join('/')}`

  for (const file of files) {
    const room = roomOf(name(file))
    const allowed = allowedFrom(room)
    if (allowed === undefined) {
      violations.push(`${name(file)}: ${room} is not a room: add it to the table in scripts/import-rules.ts and docs`)
      continue
    }
    const targets: string[] = []
    graph.set(file, targets)
    for (const found of importsOf(file)) {
      const at = `${name(file)}:${found.line}: ${room}`
      if (!found.specifier.startsWith('.')) {
        const problem = packageProblem(room, found)
        if (problem) violations.push(`${at} imports '${found.specifier}': ${problem}`)
        continue
      }
      const target = resolve(file, found.specifier)
      if (target === undefined || relative(directory, target).startsWith('..')) {
        violations.push(`${at} imports '${found.specifier}': no such file in src`)
        continue
      }
      targets.push(target)
      const to = roomOf(name(target))
      if (to !== room && allowed !== '*' && !allowed.includes(to)) {
        violations.push(
          `${at} imports ${to} ('${found.specifier}'), and may import ${allowed.length > 0 ? allowed.join(', ') : 'no other room'}`,
        )
      }
    }
  }
  for (const circle of circles(graph)) violations.push(`circle: ${circle.map(name).join(' -> ')}`)
  return violations
}

/** `src/engine/read.ts` → `engine`; `src/drivers/pg/pool.ts` → `drivers/pg`; `src/index.ts` → `(root)`. */
function roomOf(file: string): string {
  const folders = file.split('/').slice(1, -1)
  if (folders[0] === undefined) return '(root)'
  return `${folders[0]}/*` in ROOMS ? `${folders[0]}/${folders[1] ?? ''}` : folders[0]
}

function allowedFrom(room: string): readonly string[] | '*' | undefined {
  return ROOMS[room] ?? ROOMS[`${room.split('/')[0]}/*`]
}

function packageProblem(room: string, found: Import): string | undefined {
  if (/^cacheops(\/|$)/.test(found.specifier)) return 'the package does not import itself by its name'
  if (PURE.includes(room) && IMPURE_BUILTINS.test(found.specifier)) return 'this room is pure: no I/O and no clock'
  if (found.specifier.startsWith('node:')) return undefined
  const rule = PACKAGES.find(({ name }) => name.test(found.specifier))
  if (!rule) return 'this package is not in the table of packages in scripts/import-rules.ts'
  if (!rule.rooms.includes(room)) return `only ${rule.rooms.join(', ')} may`
  if (rule.types && !found.types) return 'only its types may be imported; users pass the module in'
  return undefined
}

/** Every import, export from, `import()` and `import('…').T` of a file. */
function importsOf(file: string): readonly Import[] {
  const text = readFileSync(file, 'utf8')
  const { program, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const found: Import[] = []
  const add = (node: { start: number }, specifier: unknown, types: boolean) => {
    if (typeof specifier !== 'string') throw new Error(`${file}: an import of something that is not a string literal`)
    found.push({ specifier, types, line: text.slice(0, node.start).split('\n').length })
  }
  new Visitor({
    ImportDeclaration: (node) => add(node, node.source.value, node.importKind === 'type'),
    ExportNamedDeclaration: (node) => {
      if (node.source) add(node, node.source.value, node.exportKind === 'type')
    },
    ExportAllDeclaration: (node) => add(node, node.source.value, node.exportKind === 'type'),
    ImportExpression: (node) => add(node, node.source.type === 'Literal' ? node.source.value : undefined, false),
    TSImportType: (node) => add(node, node.source.value, true),
  }).visit(program)
  return found
}

function resolve(from: string, specifier: string): string | undefined {
  const path = join(dirname(from), specifier)
  const candidates = [path, path.replace(/\.js$/, '.ts'), path.replace(/\.js$/, '.tsx'), path.replace(/\.mjs$/, '.mts')]
  return candidates.find((candidate) => /\.[cm]?tsx?$/.test(candidate) && existsSync(candidate))
}

/** The circles of a graph, each once, as a walk that ends where it began. */
function circles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const found: string[][] = []
  const done = new Set<string>()
  const path: string[] = []
  const walk = (file: string) => {
    const start = path.indexOf(file)
    if (start >= 0) {
      found.push([...path.slice(start), file])
      return
    }
    if (done.has(file)) return
    path.push(file)
    for (const target of graph.get(file) ?? []) walk(target)
    path.pop()
    done.add(file)
  }
  for (const file of graph.keys()) walk(file)
  return found
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const violations = checkImports(fileURLToPath(new URL('../src', import.meta.url)))
  for (const violation of violations) console.error(violation)
  if (violations.length > 0) process.exitCode = 1
  else console.log('The rooms import only what they may.')
}
