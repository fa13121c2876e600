/** `tsx scripts/drop-databases.ts <run> <server url>`: drops what a run of the tests left behind. */
import { dropDatabasesOf } from './postgres.js'

const [run, serverUrl] = process.argv.slice(2)
if (!run || !serverUrl) throw new Error('usage: tsx scripts/drop-databases.ts <run> <server url>')
await dropDatabasesOf(run, serverUrl)
