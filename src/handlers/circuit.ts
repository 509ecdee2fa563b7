import type { Clock } from '#ports/clock.ts'
import type { Random } from '#ports/random.ts'

export type CircuitState =
  | { readonly is: 'closed' }
  /** Nothing is sent until the monotonic time `untilMs`; then one attempt tries. */
  | { readonly is: 'open'; readonly untilMs: number; readonly why: string }
  | { readonly is: 'probing'; readonly why: string }

/** Leave to make one attempt; what comes of it is told here, once. */
export interface Pass {
  /** The one attempt that finds out whether a paused credential works again. */
  readonly isProbe: boolean
  report(result: 'success' | 'failure' | 'config', code?: string): void
  /** No attempt was made. */
  release(): void
  /** Of a probe: another process makes it; until the monotonic time `untilMs` nobody here does. */
  postpone(untilMs: number): void
}

/** Stops sending under a credential that is refused, or to a provider that fails. */
export interface Circuit {
  readonly state: CircuitState
  /** Leave to start an attempt now; `undefined`: not now. A probe is handed to one caller only. */
  enter(): Pass | undefined
  /** Would `enter` let anybody through? Takes nothing. */
  readonly paused: boolean
  /** Another process has paused it, or is finding out whether it works: nothing is sent until then. */
  hearOpen(untilMs: number, why: string, pauses: number): void
  /** Another process found out that it works. */
  hearClosed(): void
  /** How many pauses there have been since it worked last. */
  readonly pauses: number
}

const windowMs = 30_000
const callsMin = 20
const firstPauseMs = 10_000
export const pauseCapMs = 300_000
const pausesMax = 10

/** Opens at once when credentials are refused, or when half of at least 20 calls in 30 s failed. */
export const createCircuit = (needs: {
  readonly clock: Clock
  readonly random: Random
  /** `heard`: another process has said so. */
  readonly onChange: (state: CircuitState, heard: boolean) => void
}): Circuit => {
  const { clock, random, onChange } = needs
  let state: CircuitState = { is: 'closed' }
  /** The pass of whoever probes: what others report, who began before the pause, says nothing of now. */
  let probe: Pass | undefined
  let pauses = 0
  let windowStart = clock.monotonic()
  let calls = 0
  let failures = 0

  const change = (next: CircuitState, heard = false): void => {
    state = next
    if (next.is !== 'probing') probe = undefined
    onChange(next, heard)
  }
  const open = (why: string): void => {
    const pauseMs = Math.min(pauseCapMs, firstPauseMs * 2 ** pauses)
    pauses = Math.min(pauses + 1, pausesMax)
    // Spread, so that processes do not probe together.
    const spreadMs = pauseMs * (0.9 + 0.2 * random.fraction())
    change({ is: 'open', untilMs: clock.monotonic() + spreadMs, why })
  }
  const close = (heard = false): void => {
    pauses = 0
    calls = 0
    failures = 0
    change({ is: 'closed' }, heard)
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
  const isPaused = (): boolean => {
    if (state.is === 'closed') return false
    return state.is === 'probing' || clock.monotonic() < state.untilMs
  }

  const attempt: Pass = {
    isProbe: false,
    report(result, code = '') {
      count(result !== 'success')
      if (state.is !== 'closed' || result === 'success') return
      if (result === 'config' || (calls >= callsMin && failures * 2 >= calls)) open(code)
    },
    release() {},
    postpone() {},
  }

  const createProbe = (why: string): Pass => {
    const pass: Pass = {
      isProbe: true,
      report(result, code = '') {
        count(result !== 'success')
        if (probe !== pass) return
        if (result === 'success') close()
        else open(result === 'config' ? code : why)
      },
      release() {
        if (probe === pass) change({ is: 'open', untilMs: clock.monotonic(), why })
      },
      postpone(untilMs) {
        if (probe === pass) change({ is: 'open', untilMs, why }, true)
      },
    }
    return pass
  }

  return {
    get state() {
      return state
    },
    get paused() {
      return isPaused()
    },
    get pauses() {
      return pauses
    },
    enter() {
      if (state.is === 'closed') return attempt
      if (isPaused()) return undefined
      const { why } = state
      probe = createProbe(why)
      change({ is: 'probing', why })
      return probe
    },
    hearOpen(untilMs, why, pausesSoFar) {
      pauses = Math.min(Math.max(pauses, pausesSoFar), pausesMax)
      // Whoever probes finds out sooner than he who only heard.
      if (state.is === 'probing' || (state.is === 'open' && state.untilMs >= untilMs)) return
      change({ is: 'open', untilMs, why }, true)
    },
    hearClosed() {
      if (state.is !== 'closed') close(true)
    },
  }
}
