import type { Clock } from '#ports/clock.ts'

/** A longer timer fires at once. */
const timerMaxMs = 2 ** 31 - 1

const sleepOnce = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })

export const createSystemClock = (): Clock => ({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    for (let left = ms; signal?.aborted !== true; left -= timerMaxMs) {
      await sleepOnce(Math.max(0, Math.min(left, timerMaxMs)), signal)
      if (left <= timerMaxMs) return
    }
  },
})
