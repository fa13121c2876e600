/** Why a read is not cached; thrown inside planning, shown by `explain`. */
export class Bypass extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}
