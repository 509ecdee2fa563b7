import type { Clock } from '#ports/clock.ts'

export interface FakeClock extends Clock {
  /** Moves time, waking each sleeper at its moment and letting what it started settle first. */
  advance(ms: number): Promise<void>
  /** Moves only the wall clock, forwards or back, and wakes nobody. */
  jump(ms: number): void
  /** Those asleep. */
  sleeping(): number
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** Enough turns of the event loop for a chain of appends and reads over the memory and SQLite adapters. */
const settleTurns = 10

/** Lets all that can go on without time go on. */
export const settle = async (turns = settleTurns): Promise<void> => {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}

export const createFakeClock = (startMs = Date.UTC(2026, 0, 1)): FakeClock => {
  let elapsed = 0
  let offset = startMs
  // In the order of falling asleep: those of one moment wake in it.
  const sleepers = new Set<Sleeper>()

  const earliest = (until: number): Sleeper | undefined => {
    let found: Sleeper | undefined
    for (const sleeper of sleepers)
      if (sleeper.at <= until && (found === undefined || sleeper.at < found.at)) found = sleeper
    return found
  }

  return {
    now: () => offset + elapsed,
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve()
        const wake = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper: Sleeper = { at: elapsed + Math.max(0, ms), wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake)
      }),
    async advance(ms) {
      const until = elapsed + ms
      await settle()
      for (let next = earliest(until); next !== undefined; next = earliest(until)) {
        elapsed = Math.max(elapsed, next.at)
        next.wake()
        await settle()
      }
      elapsed = until
      await settle()
    },
    jump(ms) {
      offset += ms
    },
    sleeping: () => sleepers.size,
  }
}

/** Moves time until what was asked to end has ended, for a minute at most. */
export const letEnd = async (clock: FakeClock, ended: Promise<unknown>): Promise<void> => {
  let is = false
  void ended.then(() => {
    is = true
  })
  for (let steps = 0; steps < 600 && !is; steps += 1) await clock.advance(100)
  if (!is) throw new Error('It did not stop within a minute.')
}
