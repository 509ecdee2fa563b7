import type { CollectionDeclaration, DocumentBody } from '#ports/document-store.ts'
import { type CircuitState, pauseCapMs } from './circuit.ts'

/**
 * What the processes that send tell each other of a credential. Times are those of the wall clock, for
 * only that is shared; a pause is never believed to be longer than pauses are.
 */
export type CredentialState =
  | { readonly is: 'closed' }
  | {
      readonly is: 'open'
      readonly why: string
      /** Milliseconds since the epoch. */
      readonly until: number
      readonly pauses: number
      /** Who finds out whether it works again, and until when nobody else tries. */
      readonly probe?: { readonly token: string; readonly until: number }
    }

export const credentialStates: CollectionDeclaration = {
  name: 'credentials',
  version: 1,
  indexes: [],
}

/** A probe that was not heard of again. */
export const probeMaxMs = 60_000
/** Who may not probe asks again after this long at the latest. */
export const askAgainMs = 5_000

/** Spread included. */
const restMaxMs = pauseCapMs * 1.1

export const stateOf = (body: DocumentBody | undefined): CredentialState =>
  (body as CredentialState | undefined) ?? { is: 'closed' }

/** How long a process other than the one that probes has to wait; 0: it may probe itself. */
export const restMs = (state: CredentialState, now: number, ownProbe?: string): number => {
  if (state.is === 'closed') return 0
  const pauseMs = Math.min(Math.max(0, state.until - now), restMaxMs)
  const { probe } = state
  if (!probe || probe.token === ownProbe) return pauseMs
  return Math.max(pauseMs, Math.min(Math.max(0, probe.until - now), askAgainMs))
}

/** Both pause: the longer pause counts. */
export const mergeOpen = (
  mine: Extract<CredentialState, { is: 'open' }>,
  theirs: CredentialState,
): CredentialState => {
  if (theirs.is === 'closed') return mine
  const { until, pauses } = mine
  return { ...mine, until: Math.max(until, theirs.until), pauses: Math.max(pauses, theirs.pauses) }
}

/** A probe that succeeded ends the pause it probed, not one that another process has begun since. */
export const mayClose = (theirs: CredentialState, now: number, ownProbe?: string): boolean =>
  theirs.is === 'open' && (theirs.probe?.token === ownProbe || theirs.until <= now)

/** As a process sees it that does not send itself. */
export const circuitStateOf = (
  state: CredentialState,
  now: number,
  monotonicMs: number,
): CircuitState => {
  if (state.is === 'closed') return { is: 'closed' }
  const { why, probe } = state
  if (probe && probe.until > now) return { is: 'probing', why }
  const rest = restMs(state, now)
  return rest > 0 ? { is: 'open', untilMs: monotonicMs + rest, why } : { is: 'probing', why }
}
