const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** The value of `'…'`. */
export function plainValue(raw: string): string {
  const inner = raw.slice(1, -1)
  return inner.includes("''") ? inner.replaceAll("''", "'") : inner
}

/**
 * The value of `E'…'`; `undefined` where it is not plainly known: bytes above 127, NUL, escapes that the server rejects.
 */
export function escapeValue(raw: string): string | undefined {
  const inner = raw.slice(2, -1)
  if (!inner.includes('\\') && !inner.includes("''")) return inner
  let value = ''
  for (let at = 0; at < inner.length; at++) {
    const char = inner[at] ?? ''
    if (char === "'") at++
    if (char !== '\\') {
      value += char
      continue
    }
    const letter = inner[++at] ?? ''
    const numeric = /^(?:[0-7]{1,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/.exec(inner.slice(at, at + 9))
    if (numeric) {
      const code = codeOf(numeric[0])
      if (code === undefined) return undefined
      value += String.fromCodePoint(code)
      at += numeric[0].length - 1
      // `\v` is a vertical tab to some server versions and a `v` to others.
    } else if (letter === 'u' || letter === 'U' || letter === 'v') return undefined
    // A lone `\x` is an `x` to the server, as any other character after a backslash is itself.
    else value += ESCAPES[letter] ?? letter
  }
  return hasLoneSurrogate(value) ? undefined : value
}

function codeOf(numeric: string): number | undefined {
  const letter = numeric[0] ?? ''
  const unicode = letter === 'u' || letter === 'U'
  const code = letter === 'x' || unicode ? Number.parseInt(numeric.slice(1), 16) : Number.parseInt(numeric, 8)
  return code === 0 || code > (unicode ? 0x10ffff : 127) ? undefined : code
}

/** Half of a surrogate pair, which has no UTF-8. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text)
}
