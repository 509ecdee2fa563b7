import type { Clock } from '#ports/clock.ts'
import type { Random } from '#ports/random.ts'

export type CircuitState =
  | { readonly is: 'closed' }
  /** Nothing is sent until the monotonic time `untilMs`; then one attempt tries. */
  | { readonly is: 'open'; readonly untilMs: number; readonly why: string }
  | { readonly is: 'probing'; readonly why: string }

/** Stops sending under a credential that is refused, or to a provider that fails. */
export interface Circuit {
  readonly state: CircuitState
  /** Whether an attempt may start now; a probe is handed to one caller only. */
  admits(): boolean
  /** Would `admits` let anybody through? Takes nothing. */
  readonly paused: boolean
  report(result: 'success' | 'failure' | 'config', code?: string): void
  /** A probe that made no attempt gives its place back. */
  release(): void
}

const windowMs = 30_000
const callsMin = 20
const firstPauseMs = 10_000
const pauseCapMs = 300_000

/** Opens at once when credentials are refused, or when half of at least 20 calls in 30 s failed. */
export const createCircuit = (needs: {
  readonly clock: Clock
  readonly random: Random
  readonly onChange: (state: CircuitState) => void
}): Circuit => {
  const { clock, random, onChange } = needs
  let state: CircuitState = { is: 'closed' }
  let pauses = 0
  let windowStart = clock.monotonic()
  let calls = 0
  let failures = 0

  const change = (next: CircuitState): void => {
    state = next
    onChange(next)
  }
  const open = (why: string): void => {
    const pauseMs = Math.min(pauseCapMs, firstPauseMs * 2 ** pauses)
    pauses = Math.min(pauses + 1, 10)
    // Spread, so that processes do not probe together.
    change({
      is: 'open',
      untilMs: clock.monotonic() + pauseMs * (0.9 + 0.2 * random.fraction()),
      why,
    })
  }
  const count = (failed: boolean): void => {
    const now = clock.monotonic()
    if (now - windowStart > windowMs) {
      windowStart = now
      calls = 0
      failures = 0
    }
    calls += 1
    if (failed) failures += 1
  }

  return {
    get state() {
      return state
    },
    get paused() {
      if (state.is === 'closed') return false
      return state.is === 'probing' || clock.monotonic() < state.untilMs
    },
    admits() {
      if (state.is === 'closed') return true
      if (state.is === 'probing' || clock.monotonic() < state.untilMs) return false
      change({ is: 'probing', why: state.why })
      return true
    },
    report(result, code = '') {
      if (result === 'success') {
        count(false)
        if (state.is === 'closed') return
        pauses = 0
        calls = 0
        failures = 0
        change({ is: 'closed' })
        return
      }
      count(true)
      if (result === 'config') return state.is === 'open' ? undefined : open(code)
      if (state.is === 'probing') return open(state.why)
      if (state.is === 'closed' && calls >= callsMin && failures * 2 >= calls) open(code)
    },
    release() {
      if (state.is === 'probing') change({ is: 'open', untilMs: clock.monotonic(), why: state.why })
    },
  }
}
