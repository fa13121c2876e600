import { expect, it } from 'vitest'
import { createPGlite, emptyPGlite } from './pglite.js'

it('gives databases that know nothing of each other', async () => {
  const [first, second] = [await createPGlite(), await createPGlite()]
  try {
    await first.exec('CREATE TABLE t (a integer); INSERT INTO t VALUES (1)')
    expect((await first.query('SELECT a FROM t')).rows).toEqual([{ a: 1 }])
    await expect(second.query('SELECT a FROM t')).rejects.toThrow('relation "t" does not exist')
  } finally {
    await Promise.all([first.close(), second.close()])
  }
})

it('empties a database, also after a failed transaction', async () => {
  const db = await createPGlite()
  try {
    await db.exec("CREATE TABLE t (a integer); CREATE TYPE mood AS ENUM ('ok'); SET timezone = 'Asia/Tokyo'; BEGIN")
    await expect(db.exec('SELECT 1/0')).rejects.toThrow()
    await emptyPGlite(db)
    await db.exec("CREATE TABLE t (a integer); CREATE TYPE mood AS ENUM ('ok')")
    expect((await db.query('SHOW timezone')).rows).not.toEqual([{ TimeZone: 'Asia/Tokyo' }])
  } finally {
    await db.close()
  }
})
