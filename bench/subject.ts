import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
// Inside node_modules, so that what it imports is found, and nothing else looks at it.
const BUILD = join(ROOT, 'node_modules', '.cache', `cacheops-bench-${process.pid}`)

/** What is measured: the package as it is shipped, and what is inside it. */
export type Subject = typeof import('../src/index.js') &
  Pick<typeof import('../src/drivers/pg/index.js'), 'cachedPg'> &
  Pick<typeof import('../src/engine/engine.js'), 'engineOf'> &
  Pick<typeof import('../src/invalidation/scheme.js'), 'makeScheme'> &
  Pick<typeof import('../src/store/redis/index.js'), 'redis'>

/**
 * Compiles `src` as for publishing and loads that. `tsx` would not do: to keep names it wraps every function that is made
 * while a call runs, which costs more than some of what is measured.
 */
export async function loadSubject(): Promise<Subject> {
  mkdirSync(BUILD, { recursive: true })
  process.on('exit', () => rmSync(BUILD, { recursive: true, force: true }))
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  // Whether the types are right is for others to say.
  const options = ['-p', 'tsconfig.build.json', '--outDir', BUILD, '--noEmitOnError', 'false', '--declaration', 'false']
  const compiled = spawnSync(process.execPath, [compiler, ...options], { cwd: ROOT, encoding: 'utf8' })
  if (compiled.error) throw compiled.error
  if (compiled.status !== 0)
    process.stderr.write(`The source has errors of type:\n${compiled.stdout}${compiled.stderr}`)
  writeFileSync(join(BUILD, 'package.json'), '{ "type": "module" }')
  const load = (path: string): Promise<object> => import(pathToFileURL(join(BUILD, path)).href)
  const modules = [
    'index.js',
    'drivers/pg/index.js',
    'engine/engine.js',
    'invalidation/scheme.js',
    'store/redis/index.js',
  ]
  return Object.assign({}, ...(await Promise.all(modules.map(load)))) as Subject
}
