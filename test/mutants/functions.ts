import type { Mutant } from '../../scripts/mutate.js'

const COMPUTED = 'test/functions/computed.test.ts'
const SAMPLED = 'test/functions/cached-as.test.ts'
const BATCHES = 'test/functions/batches.test.ts'
const CACHED = 'test/functions/cached.test.ts'
const STORE = 'test/store/memory.test.ts'

/** A21, S9 and what else functions rest on. */
export const functionMutants: readonly Mutant[] = [
  {
    id: 'A21-hits-not-handed-on',
    rule: 'A21',
    what: 'a hit inside of a function does not hand on its lease',
    file: 'src/engine/reads.ts',
    find: 'this.#record(call, scope, read, lease, true)\n    this.#engine.reader.told(read, true, false)',
    replace: 'call.told = true\n    this.#engine.reader.told(read, true, false)',
    tests: [COMPUTED, SAMPLED],
  },
  {
    id: 'A21-leases-not-combined',
    rule: 'A21',
    what: 'a result is stored without the leases of what ran in it',
    file: 'src/functions/runs.ts',
    find: '...(recorder?.leases ?? [])',
    replace: '',
    tests: [COMPUTED],
  },
  {
    id: 'A21-past-forgotten',
    rule: 'A21',
    what: 'a statement past the cache does not keep the result out',
    file: 'src/engine/recorder.ts',
    find: 'if (this.strict || doubtful) this.reason ??=',
    replace: 'if (!this.strict && doubtful) this.reason ??=',
    tests: [COMPUTED],
  },
  {
    id: 'S6-doubtful-kept',
    rule: 'S6',
    what: 'what a dirty transaction or an old snapshot shows is kept by cachedAs',
    file: 'src/engine/recorder.ts',
    find: 'if (this.strict || doubtful) this.reason ??=',
    replace: 'if (this.strict) this.reason ??=',
    tests: [SAMPLED],
  },
  {
    id: 'S6-uncommitted-ignored',
    rule: 'S6',
    what: 'a function is answered from the cache inside of a transaction that has written',
    file: 'src/functions/runs.ts',
    find: 'this.#engine.delivery.readPast(database, ids) ?? this.#engine.uncommitted(database, ids)',
    replace: 'this.#engine.delivery.readPast(database, ids)',
    tests: [COMPUTED],
  },
  {
    id: 'S9-batches-not-followed',
    rule: 'S9',
    what: 'what another flow has fetched does not count',
    file: 'src/engine/recorder.ts',
    find: 'if ((own || recorder.batches) && (hit || recorder.strict))',
    replace: 'if (own && (hit || recorder.strict))',
    tests: [BATCHES],
  },
  {
    id: 'S9-unattributed-kept',
    rule: 'S9',
    what: 'a result without any statement is kept',
    file: 'src/functions/runs.ts',
    find: "if (!recorder.attributed) return 'unattributed: no statement ran in it'",
    replace: '',
    tests: [COMPUTED, BATCHES],
  },
  {
    id: 'S4-joined-unverified',
    rule: 'S4',
    what: "who joins another's run does not ask whether its stamps still stand",
    file: 'src/functions/flights.ts',
    find: 'return kept && (await this.#shelf.stands(kept.lease)) ? kept : undefined',
    replace: 'return kept',
    tests: [COMPUTED],
  },
  {
    id: 'S4-samples-late',
    rule: 'S4',
    what: 'the lease of the samples is not stored with the result',
    file: 'src/functions/runs.ts',
    find: 'if (prepared) leases.push(prepared.lease)',
    replace: '',
    tests: [SAMPLED],
  },
  {
    id: 'B1-drop-keeps-stamp',
    rule: 'B1',
    what: 'a run that began before a result was dropped by hand is kept after it',
    file: 'src/store/memory.ts',
    find: 'own.drop()\n    this.#idle.remove(own)',
    replace: '',
    tests: [STORE, CACHED],
  },
  {
    id: 'S8-foreign-session',
    rule: 'S8',
    what: 'the session is not a part of the key',
    file: 'src/functions/functions.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a text of the source
    find: 'bases.length === 1 ? [`session ${bases[0]}`] : []',
    replace: '[]',
    tests: [COMPUTED],
  },
  {
    id: 'A3-replica-kept',
    rule: 'A3',
    what: 'cachedAs keeps what a replica shows',
    file: 'src/functions/cached-as.ts',
    find: "if (!context.storable) return 'its connections may lag behind'",
    replace: '',
    tests: [SAMPLED],
  },
]
