/**
 * A process that writes and reads the same few keys as others do, as fast as it can: `file-writer.ts <dir> <rounds> <name>`. Ends
 * with an error where it reads something that nobody has written.
 */
import { fileCache } from '../../src/functions/file/index.js'

const [dir = '', rounds = '0', name = ''] = process.argv.slice(2)
const files = fileCache({ dir, ttl: '1h' })
let read = 0
for (let round = 0; round < Number(rounds); round++) {
  const key = `key ${round % 5}`
  if (round % 7 === 0) await files.delete(key)
  await files.set(key, { key, name, text: `${name} ${round} `.repeat(1000 + (round % 500)) })
  const found = await files.get<{ key: string; name: string; text: string }>(`key ${(round + 1) % 5}`)
  if (round % 50 === 0) await files.clean()
  if (!found) continue
  read++
  const [first, number] = found.text.split(' ')
  if (
    first !== found.name ||
    found.text !== `${first} ${number} `.repeat(found.text.length / `${first} ${number} `.length)
  ) {
    throw new Error(`read half a value under ${found.key}`)
  }
}
console.log(`read ${read}`)
