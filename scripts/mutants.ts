/**
 * `npm run test:mutants [-- <part of an id>…]`: breaks each rule in turn and shows which test notices. Exits with 1 where a
 * mutant survives, or no longer fits the source.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mutants } from '../test/mutants/mutants.js'
import { type Mutant, mutated, readSource } from './mutate.js'
import { providePostgres } from './postgres.js'

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly message?: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

type Outcome =
  | { readonly kind: 'noticed'; readonly by: string }
  | { readonly kind: 'survived' | 'broken'; readonly why: string }

/** A run that takes longer hangs. */
const MINUTES = 10

const root = fileURLToPath(new URL('../', import.meta.url))
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))

const wanted = process.argv.slice(2)
const chosen = mutants.filter((mutant) => wanted.length === 0 || wanted.some((part) => mutant.id.includes(part)))
if (chosen.length === 0) {
  throw new Error(mutants.length === 0 ? 'test/mutants/mutants.ts is empty' : `no id contains ${wanted.join(' or ')}`)
}
if (new Set(mutants.map((mutant) => mutant.id)).size !== mutants.length) throw new Error('two mutants have the same id')

// One server for all runs.
const server = await providePostgres()
const directory = mkdtempSync(join(tmpdir(), 'cacheops-mutants-'))
let bad = 0
try {
  const sound = run(undefined, [...new Set(chosen.flatMap((mutant) => mutant.tests))])
  if (sound.kind !== 'survived') {
    throw new Error(`the tests fail without any mutant: ${sound.kind === 'noticed' ? sound.by : sound.why}`)
  }
  for (const mutant of chosen) {
    const outcome = attempt(mutant)
    if (outcome.kind !== 'noticed') bad++
    const words =
      outcome.kind === 'noticed' ? `noticed by ${outcome.by}` : `${outcome.kind.toUpperCase()}: ${outcome.why}`
    console.log(`${mutant.rule.padEnd(4)} ${mutant.id}: ${mutant.what}\n     ${words}`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
  await server.stop()
}
console.log(`${chosen.length - bad} of ${chosen.length} mutants noticed`)
process.exitCode = bad > 0 ? 1 : 0

function attempt(mutant: Mutant): Outcome {
  try {
    mutated(mutant, readSource(mutant))
  } catch (error) {
    return { kind: 'broken', why: (error as Error).message }
  }
  return run(mutant, mutant.tests)
}

function run(mutant: Mutant | undefined, tests: readonly string[]): Outcome {
  const output = join(directory, 'report.json')
  rmSync(output, { force: true })
  const only = mutant?.only === undefined ? [] : ['--testNamePattern', mutant.only]
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [vitest, 'run', '--bail', '1', '--reporter', 'json', '--outputFile', output, ...only, ...tests],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      timeout: MINUTES * 60_000,
      env: {
        ...process.env,
        DATABASE_URL: server.url,
        CACHEOPS_MUTANT: mutant ? JSON.stringify(mutant) : '',
      },
    },
  )
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT') {
    return { kind: 'noticed', by: `the clock: the tests had not ended after ${MINUTES} minutes` }
  }
  let report: Report
  try {
    report = JSON.parse(readFileSync(output, 'utf8'))
  } catch {
    return { kind: 'broken', why: `vitest gave no report (exit ${status}): ${(stderr || stdout).slice(-500)}` }
  }
  for (const file of report.testResults) {
    const failed = file.assertionResults.find((test) => test.status === 'failed')
    if (failed) return { kind: 'noticed', by: `${relative(root, file.name)} > ${failed.fullName}` }
  }
  const unloaded = report.testResults.find((file) => file.message && file.assertionResults.length === 0)
  // A mutant that does not even load proves nothing about the tests.
  if (unloaded) return { kind: 'broken', why: `${relative(root, unloaded.name)}: ${unloaded.message}` }
  if (!report.testResults.some((file) => file.assertionResults.some((test) => test.status === 'passed'))) {
    return { kind: 'broken', why: `no test ran: ${tests.join(', ')}` }
  }
  if (status !== 0) return { kind: 'noticed', by: 'an error outside of any test' }
  return { kind: 'survived', why: `no test of ${tests.join(', ')} failed` }
}
