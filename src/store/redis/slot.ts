/** CRC-16 (XMODEM) of each byte, as Redis Cluster computes slots with. */
const TABLE = new Uint16Array(256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  TABLE[byte] = crc & 0xffff
}

/** The slot of a key in a cluster: of what its first braces hold, where they hold something. */
export function slotOf(key: string): number {
  let crc = 0
  for (const byte of Buffer.from(hashed(key))) {
    crc = ((crc << 8) & 0xffff) ^ (TABLE[((crc >> 8) ^ byte) & 0xff] as number)
  }
  return crc & 0x3fff
}

/** The places of keys that can be in one command of a cluster, group by group. */
export function placesBySlot(keys: readonly string[]): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>()
  for (const [place, key] of keys.entries()) {
    const name = hashed(key)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [place])
    else group.push(place)
  }
  return [...groups.values()]
}

function hashed(key: string): string {
  const open = key.indexOf('{')
  const close = open < 0 ? -1 : key.indexOf('}', open + 1)
  return close > open + 1 ? key.slice(open + 1, close) : key
}

/** Some key of a slot. */
export function keyOf(slot: number): string {
  for (let index = 0; ; index++) if (slotOf(`cacheops${index}`) === slot) return `cacheops${index}`
}
