import type { Clock } from '#ports/clock.ts'

/** Notices when the other side neither says nor reads anything for too long. */
export interface Silence {
  heard(): void
  /** Until `signal` fires. */
  watch(signal: AbortSignal): Promise<void>
}

export const createSilence = (options: {
  readonly clock: Clock
  readonly idleMs: number
  /** Something is being done for the other side: silence is no fault of his. */
  readonly busy: () => boolean
  readonly onSilence: () => void
}): Silence => {
  const { clock, idleMs, busy, onSilence } = options
  let heardAtMs = clock.monotonic()
  return {
    heard() {
      heardAtMs = clock.monotonic()
    },
    async watch(signal) {
      while (!signal.aborted) {
        const now = clock.monotonic()
        if (busy()) heardAtMs = now
        if (now - heardAtMs >= idleMs) return onSilence()
        await clock.sleep(heardAtMs + idleMs - now, signal)
      }
    },
  }
}
