import type { Deferred } from './scope.js'

export function deferred(): Deferred {
  return { changes: new Map() }
}
