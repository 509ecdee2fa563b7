import type { Channel, Outcome } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'
import { type Circuit, type CircuitState, createCircuit } from './circuit.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'

/** The account a message is carried under: what is paced, paused and paged about. */
export interface Credential {
  readonly name: string
  readonly channel: Channel
  readonly circuit: Circuit
  /** Resolves when an attempt may start; `paused` when it may not for now. */
  permit(signal: AbortSignal): Promise<'go' | 'paused'>
  /** What an attempt came to. */
  report(outcome: Outcome): void
  /** A dead endpoint: may it be removed, or do so many fail that the fault is likely ours? */
  mayRemoveEndpoint(): boolean
}

export interface Credentials {
  get(name: string): Credential | undefined
  /** Nothing is sent under it now: absent, or its circuit is open. */
  isPaused(name: string): boolean
  readonly all: readonly Credential[]
}

/** An attempt waits this long for its turn before its work goes back. */
const patienceMs = 5_000
/** More dead endpoints than this, and than a twentieth of all sends, within a minute: something else is wrong. */
const removalsMax = 20
const removalWindowMs = 60_000

interface Removals {
  note(dead: boolean): void
  allowed(): boolean
}

const createRemovals = (clock: Clock): Removals => {
  let since = clock.monotonic()
  let sends = 0
  let dead = 0
  return {
    note(isDead) {
      if (clock.monotonic() - since > removalWindowMs) {
        since = clock.monotonic()
        sends = 0
        dead = 0
      }
      sends += 1
      if (isDead) dead += 1
    },
    allowed: () => dead <= Math.max(removalsMax, sends / 20),
  }
}

export interface CredentialOptions {
  readonly name: string
  readonly channel: Channel
  readonly ratePerSecond: number
}

const createCredential = (
  options: CredentialOptions,
  needs: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Credential => {
  const { name, channel } = options
  const { clock, log } = needs
  const bucket: TokenBucket = createTokenBucket({ clock, ratePerSecond: options.ratePerSecond })
  const removals = createRemovals(clock)
  const onChange = (state: CircuitState): void => {
    if (state.is === 'open') {
      log.error('Sending under a credential is paused.', { credential: name, code: state.why })
    }
    if (state.is === 'closed') log.info('A credential works again.', { credential: name })
  }
  const circuit = createCircuit({ ...needs, onChange })
  return {
    name,
    channel,
    circuit,
    async permit(signal) {
      const start = clock.monotonic()
      for (;;) {
        if (circuit.paused) return 'paused'
        const token = bucket.take()
        if (token.taken) return circuit.admits() ? 'go' : 'paused'
        const waited = clock.monotonic() - start
        if (signal.aborted || waited + token.waitMs > patienceMs) return 'paused'
        await clock.sleep(token.waitMs, signal)
      }
    },
    report(outcome) {
      removals.note(outcome.is === 'endpoint-invalid')
      if (outcome.is === 'config') circuit.report('config', outcome.code)
      // A provider that asks for patience works; it has told how much.
      else if (outcome.is === 'ambiguous') circuit.report('failure', outcome.code)
      else if (outcome.is === 'retry' && outcome.afterMs === undefined) {
        circuit.report('failure', outcome.code)
      } else circuit.report('success')
    },
    mayRemoveEndpoint() {
      if (removals.allowed()) return true
      log.error('So many endpoints are reported dead that none is removed any more.', {
        credential: name,
      })
      return false
    },
  }
}

export const createCredentials = (
  options: readonly CredentialOptions[],
  needs: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Credentials => {
  const byName = new Map(options.map((each) => [each.name, createCredential(each, needs)]))
  return {
    get: (name) => byName.get(name),
    isPaused: (name) => byName.get(name)?.circuit.paused ?? true,
    all: [...byName.values()],
  }
}
