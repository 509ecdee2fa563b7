import type { Clock } from '#ports/clock.ts'
import { Unavailable } from '#ports/errors.ts'

/** Lets so many calls run at once; the others wait for their turn, first come first served. */
export interface Gate {
  /** `givenUpAt` (monotonic): who waited until then is turned away without having been called. */
  run<T>(givenUpAt: number, work: () => Promise<T>): Promise<T>
  /** Resolves once nothing runs and nobody waits. */
  idle(): Promise<void>
}

const overloaded = (): Unavailable =>
  new Unavailable('store/overloaded', 'Too many calls are waiting for EventStoreDB.')

export const createGate = (options: {
  readonly slots: number
  readonly waitingMax: number
  readonly clock: Clock
}): Gate => {
  const { slots, waitingMax, clock } = options
  let waiting: (() => void)[] = []
  let next = 0
  let running = 0
  let onIdle: (() => void)[] = []

  const leave = (): void => {
    running--
    const resume = waiting[next]
    if (resume !== undefined) {
      next++
      if (next === waiting.length || next > 1_000) {
        waiting = waiting.slice(next)
        next = 0
      }
      running++
      resume()
    } else if (running === 0) {
      for (const resolve of onIdle) resolve()
      onIdle = []
    }
  }

  const enter = (): Promise<void> | undefined => {
    if (running < slots) {
      running++
      return undefined
    }
    if (waiting.length - next >= waitingMax) throw overloaded()
    return new Promise((resolve) => waiting.push(resolve))
  }

  return {
    async run(givenUpAt, work) {
      await enter()
      try {
        if (clock.monotonic() > givenUpAt) throw overloaded()
        return await work()
      } finally {
        leave()
      }
    },
    idle: () =>
      running === 0 ? Promise.resolve() : new Promise<void>((resolve) => onIdle.push(resolve)),
  }
}
