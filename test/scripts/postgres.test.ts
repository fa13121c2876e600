import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import {
  createDatabase,
  databaseName,
  dropDatabasesOf,
  providePostgres,
  whatToInstall,
} from '../../scripts/postgres.js'
import { createDatabase as createTestDatabase, serverUrl } from '../support/postgres.js'

async function query(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows
  } finally {
    await client.end()
  }
}

/** A port that nothing listens on. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('providePostgres', () => {
  it('takes DATABASE_URL', async () => {
    const server = await providePostgres({ env: { DATABASE_URL: serverUrl() } })
    expect(server.url).toBe(serverUrl())
    expect(server.description).toContain('DATABASE_URL')
    await server.stop()
    expect(await query(serverUrl(), 'SELECT 1')).toEqual([[1]])
  })

  it('says what is wrong where DATABASE_URL does not answer, without its password', async () => {
    const port = await closedPort()
    const attempt = providePostgres({ env: { DATABASE_URL: `postgres://me:secret@127.0.0.1:${port}/app` } })
    await expect(attempt).rejects.toThrow(
      new RegExp(
        `DATABASE_URL is set to postgres://me:\\*\\*\\*@127.0.0.1:${port}/app, but .*ECONNREFUSED.*unset DATABASE_URL`,
      ),
    )
  })

  it('says so where the user of DATABASE_URL may not create databases', async () => {
    const role = `cacheops_${databaseName('role', 'limited').slice(-8)}`
    await query(serverUrl(), `CREATE ROLE ${role} LOGIN PASSWORD 'x'`)
    try {
      const url = new URL(serverUrl())
      url.username = role
      url.password = 'x'
      await expect(providePostgres({ env: { DATABASE_URL: url.href } })).rejects.toThrow('may not create databases')
    } finally {
      await query(serverUrl(), `DROP ROLE ${role}`)
    }
  })

  it('starts a private server from installed binaries, and removes it', async ({ skip }) => {
    const told: string[] = []
    const server = await providePostgres({
      env: { PATH: process.env.PATH, CACHEOPS_TEST_NO_DEFAULT_SERVER: '1' },
      tell: (line) => told.push(line),
    }).catch((error: Error) => {
      // The server that the other tests use is on another machine, and none is installed here.
      if (process.env.DATABASE_URL && error.message === whatToInstall(process.platform)) return undefined
      throw error
    })
    if (!server) return skip('no PostgreSQL is installed on this machine')
    const directory = /in (\S+)\)$/.exec(server.description)?.[1] as string
    try {
      expect(existsSync(directory)).toBe(true)
      const database = await createDatabase(server.url, databaseName('private', 'x'))
      expect(await query(database.url, 'SELECT current_database()')).toEqual([[database.name]])
      await database.drop()
    } finally {
      await server.stop()
    }
    expect(existsSync(directory)).toBe(false)
    await expect(query(server.url, 'SELECT 1')).rejects.toThrow()
  })

  it('fails with the words of what to install', async () => {
    const env = { CACHEOPS_TEST_NO_DEFAULT_SERVER: '1', CACHEOPS_TEST_NO_BINARIES: '1' }
    await expect(providePostgres({ env, platform: 'darwin' })).rejects.toThrow('brew install postgresql@17')
    await expect(providePostgres({ env, platform: 'linux' })).rejects.toThrow('sudo apt-get install -y postgresql')
    await expect(providePostgres({ env, platform: 'win32' })).rejects.toThrow('winget install')
    await expect(providePostgres({ env, platform: 'freebsd' })).rejects.toThrow('https://www.postgresql.org/download/')
  })
})

describe('createDatabase', () => {
  it('makes an empty database, and drops it while others are connected', async () => {
    const database = await createTestDatabase('Some hint: with signs!')
    expect(database.name).toMatch(/^cacheops_[0-9a-f]{6}_some_hint_with_signs__[0-9a-f]{8}$/)
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const lost = new Promise((resolve) => client.on('error', resolve))
    await database.drop()
    await lost
    await expect(query(database.url, 'SELECT 1')).rejects.toThrow('does not exist')
  })

  it('leaves nothing behind that the end of the run does not find', async () => {
    const run = databaseName('x', 'x').slice(-8)
    const database = await createDatabase(serverUrl(), databaseName(run, 'left'))
    expect(await dropDatabasesOf(run, serverUrl())).toEqual([database.name])
    expect(await dropDatabasesOf(run, serverUrl())).toEqual([])
  })
})
