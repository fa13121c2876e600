/**
 * A stamp. In one memory an object's identity does for a random value: who holds a stamp asks it whether it still stands,
 * and replacing is killing it and taking it out of the tree below, in which the next reader puts a new one.
 */
export class Stamp {
  alive = true
  /** How many entries recorded it. Counted for conj stamps only: there are few of the others. */
  refs = 0
  /** Its place among the idle stamps; below the first of them where it is not idle. */
  place = -1
  /** Where a conj stamp is found, and under which key. */
  readonly home: Map<string, Stamp> | undefined
  readonly key: string

  constructor(home?: Map<string, Stamp>, key = '') {
    this.home = home
    this.key = key
  }

  /** Makes the stamp a thing of the past: no entry that recorded it is served again. */
  drop(): void {
    this.alive = false
    this.home?.delete(this.key)
  }
}
