import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { StoreTime } from '#ports/store-time.ts'

/** A clock that differs from the store's by more decides wrongly what is due: no work is taken with it. */
export const differenceMaxMs = 5_000
const lookEveryMs = 10_000

/** Whether this process's wall clock can be trusted. */
export interface ClockCheck {
  /** Milliseconds that the clock is surely ahead of the store's (behind: negative); 0: near enough to tell. */
  readonly differenceMs: number
  readonly isRight: boolean
  /** Compares once. A store that does not answer changes nothing. */
  look(): Promise<void>
  /** Compares again and again until `signal` fires. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves when the clock has become right, or on `signal`. */
  untilRight(signal: AbortSignal): Promise<void>
  /** Fires when the clock is found to be wrong. A new one after each time. */
  readonly wrong: AbortSignal
}

export const createClockCheck = (needs: {
  /** Absent: nobody to compare with, the clock is right. */
  readonly storeTime?: StoreTime | undefined
  readonly clock: Clock
  readonly log: Log
}): ClockCheck => {
  const { storeTime, clock, log } = needs
  let differenceMs = 0
  let wrong = new AbortController()
  let right = new AbortController()
  right.abort()

  const isRight = (): boolean => Math.abs(differenceMs) <= differenceMaxMs

  const conclude = (): void => {
    if (isRight() === right.signal.aborted) return
    if (isRight()) {
      log.info('The clock agrees with the store again; work is taken.', { differenceMs })
      wrong = new AbortController()
      right.abort()
    } else {
      const message = 'The clock differs from the store by more than 5 s; no work is taken.'
      log.error(message, { differenceMs })
      right = new AbortController()
      wrong.abort()
    }
  }

  const look = async (): Promise<void> => {
    if (!storeTime) return
    try {
      const before = clock.now()
      const { now, uncertaintyMs } = await storeTime.serverTime()
      const after = clock.now()
      // It was asked at some moment in between: only what differs for sure counts.
      const ahead = before - (now + uncertaintyMs)
      const behind = now - uncertaintyMs - after
      differenceMs = Math.round(ahead > 0 ? ahead : behind > 0 ? -behind : 0)
      conclude()
    } catch (error) {
      log.warn('The clock could not be compared with the store.', { error: error as Error })
    }
  }

  return {
    get differenceMs() {
      return differenceMs
    },
    get isRight() {
      return isRight()
    },
    get wrong() {
      return wrong.signal
    },
    look,
    async run(signal) {
      while (storeTime && !signal.aborted) {
        await look()
        await clock.sleep(lookEveryMs, signal)
      }
    },
    untilRight: (signal) =>
      new Promise((resolve) => {
        const done = AbortSignal.any([right.signal, signal])
        if (done.aborted) return resolve()
        done.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
}
