/**
 * `npm run pack:check`: what users will install. Packs the package, lints the tarball, installs it into empty projects, requires and
 * imports every subpath, and compiles a small program against its types with the lowest TypeScript and with the current one.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** README.md, "Requirements", says the same. */
const LOWEST_TYPESCRIPT = '5.4.5'

const root = fileURLToPath(new URL('../', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>
  devDependencies: Record<string, string>
}
const subpaths = Object.keys(manifest.exports)
  .filter((key) => key !== './package.json')
  .map((key) => `cacheops${key.slice(1)}`)
if (subpaths.length < 3) throw new Error(`only ${subpaths.join(', ')} in exports`)

const work = mkdtempSync(join(tmpdir(), 'cacheops-pack-'))
try {
  check()
  console.log('\nThe package is in order.')
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
} finally {
  rmSync(work, { recursive: true, force: true })
}

function check(): void {
  step('Packing')
  const [packed] = JSON.parse(
    run('npm', ['pack', '--json', '--pack-destination', work], root).replace(/^[^[]*/, ''),
  ) as [{ filename: string; unpackedSize: number; files: readonly { path: string }[] }]
  const tarball = join(work, packed.filename)
  console.log(`${packed.files.length} files, ${Math.round(packed.unpackedSize / 1024)} kB`)
  const stray = packed.files.filter(
    ({ path }) => !/^(dist\/.*\.(js|d\.ts|js\.map|lua)|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/.test(path),
  )
  if (stray.length > 0) throw new Error(`files that do not belong: ${stray.map(({ path }) => path).join(', ')}`)

  step('publint')
  console.log(run('npx', ['--no-install', 'publint', 'run', '--strict', tarball], root).trim())

  step('Are the types wrong?')
  // require() of an ES module works from Node 20.19 on, which is the lowest that the package supports.
  console.log(
    run(
      'npx',
      ['--no-install', 'attw', tarball, '--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm'],
      root,
    ).trim(),
  )

  step('Installed alone, without any peer')
  const alone = project('alone', { cacheops: `file:${tarball}` })
  run(
    'node',
    [
      '--input-type=module',
      '-e',
      `const { createCacheops } = await import('cacheops'); if (typeof createCacheops !== 'function') throw new Error('no createCacheops')`,
    ],
    alone,
  )
  run(
    'node',
    [
      '--input-type=commonjs',
      '-e',
      `if (typeof require('cacheops').createCacheops !== 'function') throw new Error('no createCacheops')`,
    ],
    alone,
  )
  console.log('import and require of cacheops')

  step('Installed with its peers')
  const installed = project('installed', {
    cacheops: `file:${tarball}`,
    ...pick('pg', '@electric-sql/pglite', '@types/pg', '@types/node', 'typescript'),
    'typescript-lowest': `npm:typescript@${LOWEST_TYPESCRIPT}`,
  })
  for (const subpath of subpaths) {
    // One module however it is loaded: what one program gets by require and by import is the same object.
    const program = `
      const required = require('${subpath}')
      import('${subpath}').then((imported) => {
        const names = Object.keys(imported).filter((name) => name !== 'default' && name !== 'module.exports')
        if (names.length === 0) throw new Error('nothing is exported')
        for (const name of names) if (imported[name] !== required[name]) throw new Error(name + ' differs')
        console.log('${subpath}: ' + names.join(', '))
      })`
    console.log(run('node', ['--input-type=commonjs', '-e', program], installed).trim())
  }
  run('node', ['--input-type=commonjs', '-e', `require('cacheops/package.json')`], installed)
  run('node', ['--input-type=module', '-e', `import 'cacheops/package.json' with { type: 'json' }`], installed)
  console.log('cacheops/package.json')

  step('A program that uses it')
  cpSync(join(root, 'test/package'), installed, { recursive: true })
  console.log(run('node', ['smoke.mjs'], installed).trim())
  console.log(run('node', ['smoke.cjs'], installed).trim())

  for (const compiler of ['typescript-lowest/lib/tsc.js', 'typescript/bin/tsc']) {
    const tsc = join(installed, 'node_modules', compiler)
    step(`Types, ${run('node', [tsc, '--version'], installed).trim()}`)
    for (const options of [
      ['--module', 'NodeNext', '--moduleResolution', 'NodeNext'],
      ['--module', 'ESNext', '--moduleResolution', 'Bundler'],
    ]) {
      const settings = [
        '--strict',
        '--exactOptionalPropertyTypes',
        '--noEmit',
        '--target',
        'ES2022',
        '--lib',
        'ES2022',
        '--types',
        'node',
      ]
      run('node', [tsc, ...settings, ...options, '--skipLibCheck', 'consumer.mts'], installed)
      // Once more with every declaration checked: there, others' packages have errors of their own, ours has none.
      const everything = spawnSync('node', [tsc, ...settings, ...options, '--pretty', 'false', 'consumer.mts'], {
        cwd: installed,
        encoding: 'utf8',
      }).stdout
      const ours = everything.split('\n').filter((line) => /^(node_modules\/cacheops\/|consumer)/.test(line))
      if (ours.length > 0) throw new Error(ours.join('\n'))
      console.log(`consumer.mts with ${options.join(' ')}`)
    }
  }
}

function project(name: string, dependencies: Record<string, string>): string {
  const directory = join(work, name)
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name, private: true, type: 'module', dependencies }))
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], directory)
  return directory
}

function pick(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, manifest.devDependencies[name] as string]))
}

function run(file: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    shell: process.platform === 'win32',
    env: { ...process.env, NODE_NO_WARNINGS: '1', NO_COLOR: '1' },
  })
  if (error) throw error
  if (status !== 0) throw new Error(`${[file, ...args].join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}

function step(name: string): void {
  console.log(`\n--- ${name}`)
}
