import type { Clock } from '#ports/clock.ts'
import type { DocumentStore, StoredDocument } from '#ports/document-store.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'
import type { Circuit } from './circuit.ts'
import {
  type CredentialState,
  circuitStateOf,
  credentialStates,
  mayClose,
  mergeOpen,
  probeMaxMs,
  restMs,
  stateOf,
} from './credential-states.ts'
import type { Credentials, CredentialsView, Together } from './credentials.ts'
import { leapOf } from './lease.ts'
import type { Peers } from './peers.ts'

const triesMax = 5
/** An attempt that may be a probe does not wait longer than this for a store. */
const askMs = 2_000

export interface SharedCredentials {
  readonly together: Together
  /** What the others know: for a process that does not send itself. */
  readonly view: CredentialsView
  /** Tells and hears once; `credentials`: those of this process. Throws `Unavailable`. */
  sync(credentials?: Credentials): Promise<void>
}

/** Pauses of credentials, and leave to end them, between processes. Nothing is read to send. */
export const createSharedCredentials = (needs: {
  readonly documents: DocumentStore
  readonly peers: Pick<Peers, 'living'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}): SharedCredentials => {
  const { documents, peers, clock, random, log } = needs
  const token = random.uuid()
  const known = new Map<string, StoredDocument>()
  /** Changes here that the store has not been told of. */
  const untold = new Map<string, Circuit>()
  const heard = new Map<string, number>()
  let telling = Promise.resolve()

  const load = async (name: string): Promise<StoredDocument | undefined> => {
    const found = (await documents.load(credentialStates, [name])).get(name)
    if (found) known.set(name, found)
    else known.delete(name)
    return found
  }

  /** Whether it was written: nobody wrote since we read. */
  const write = async (name: string, state: CredentialState, before?: StoredDocument) => {
    const version = before ? before.version + 1 : leapOf(token)
    const document = { id: name, version, body: { ...state } }
    const { conflicts } = await documents.write(credentialStates, [
      before ? { do: 'replace', document, ifVersion: before.version } : { do: 'insert', document },
    ])
    if (conflicts.length > 0) return false
    known.set(name, document)
    heard.set(name, version)
    return true
  }

  /** What is to be written of a circuit; `undefined`: nothing. */
  const wanted = (circuit: Circuit, theirs: CredentialState): CredentialState | undefined => {
    const now = clock.now()
    const { state, pauses } = circuit
    // Leave to probe has been asked for.
    if (state.is === 'probing') return undefined
    if (state.is === 'closed') return mayClose(theirs, now, token) ? state : undefined
    const until = now + state.untilMs - clock.monotonic()
    return mergeOpen({ is: 'open', why: state.why, until, pauses }, theirs)
  }

  const tell = async (name: string, circuit: Circuit): Promise<void> => {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const before = tries === 0 ? known.get(name) : await load(name)
      const next = wanted(circuit, stateOf(before?.body))
      if (!next || (await write(name, next, before))) return
    }
  }

  const tellAll = async (): Promise<void> => {
    for (const [name, circuit] of untold) {
      const { state } = circuit
      await tell(name, circuit)
      // It may have changed again meanwhile.
      if (circuit.state === state) untold.delete(name)
    }
  }

  const hear = (name: string, circuit: Circuit): void => {
    const document = known.get(name)
    if (!document || document.version === heard.get(name) || untold.has(name)) return
    heard.set(name, document.version)
    const state = stateOf(document.body)
    const waitMs = restMs(state, clock.now(), token)
    if (state.is === 'closed') circuit.hearClosed()
    else if (waitMs > 0) circuit.hearOpen(clock.monotonic() + waitMs, state.why, state.pauses)
  }

  const claimProbe = async (name: string): Promise<number> => {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const before = await load(name)
      const state = stateOf(before?.body)
      const now = clock.now()
      const waitMs = restMs(state, now, token)
      if (waitMs > 0 || state.is === 'closed') return waitMs
      const probe = { token, until: now + probeMaxMs }
      if (await write(name, { ...state, probe }, before)) return 0
    }
    return askMs
  }

  const living = () => {
    const all = new Map<string, Peers['living'][number]['credentials'][number]>()
    for (const { credentials } of peers.living)
      for (const each of credentials) all.set(each.name, each)
    return all
  }

  return {
    together: {
      changed(name, circuit) {
        if (circuit.state.is === 'probing') return
        untold.set(name, circuit)
        telling = telling.then(tellAll).catch((error: unknown) => {
          log.warn('Other processes could not be told of a credential; they will be.', {
            credential: name,
            error: error as Error,
          })
        })
      },
      async askToProbe(name) {
        const enough = new AbortController()
        // Nobody to ask: what this process knows has to do.
        const late = clock.sleep(askMs, enough.signal).then(() => 0)
        const waitMs = await Promise.race([claimProbe(name).catch(() => 0), late])
        enough.abort()
        return waitMs
      },
    },
    view: {
      isKnown: (name) => living().has(name),
      isPaused: (name) => {
        const state = stateOf(known.get(name)?.body)
        return !living().has(name) || restMs(state, clock.now()) > 0
      },
      get statuses() {
        const at = [clock.now(), clock.monotonic()] as const
        return [...living().values()].map(({ name, provider }) => ({
          name,
          provider,
          state: circuitStateOf(stateOf(known.get(name)?.body), ...at),
        }))
      },
    },
    async sync(credentials) {
      const own = credentials?.all ?? []
      const sending = peers.living.filter((each) => each.credentials.length > 0)
      for (const each of own) {
        const sharing = sending.filter((peer) =>
          peer.credentials.some((credential) => credential.name === each.name),
        )
        each.share(sharing.length)
      }
      telling = telling.then(tellAll, tellAll)
      await telling.catch(() => {})
      const names = new Set([...living().keys(), ...own.map(({ name }) => name)])
      if (names.size === 0) return
      const found = await documents.load(credentialStates, [...names])
      for (const name of names) {
        const document = found.get(name)
        if (document) known.set(name, document)
        else known.delete(name)
      }
      for (const { name, circuit } of own) hear(name, circuit)
    },
  }
}
