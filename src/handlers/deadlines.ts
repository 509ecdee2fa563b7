import type { Clock } from '#ports/clock.ts'

export interface Deadline {
  /** Fires when the time is up. */
  readonly signal: AbortSignal
  /** What it was for has ended: it never fires. */
  end(): void
}

/** Time limits for many things at once, from now. */
export type Deadlines = (ms: number) => Deadline

/** A deadline fires up to this much late. */
const tickMs = 25

interface Tick {
  readonly open: Set<AbortController>
  readonly empty: AbortController
}

const nothingLeft = 'Nothing is left to be ended at this time.'

/** All deadlines of one tick share a timer: one each would be thousands a second. */
export const createDeadlines = (clock: Clock): Deadlines => {
  const ticks = new Map<number, Tick>()

  const openTick = (at: number): Tick => {
    const tick = { open: new Set<AbortController>(), empty: new AbortController() }
    ticks.set(at, tick)
    void clock.sleep(at * tickMs - clock.monotonic(), tick.empty.signal).then(() => {
      if (tick.empty.signal.aborted) return
      ticks.delete(at)
      for (const controller of tick.open) controller.abort()
    })
    return tick
  }

  return (ms) => {
    const at = Math.ceil((clock.monotonic() + ms) / tickMs)
    const tick = ticks.get(at) ?? openTick(at)
    const controller = new AbortController()
    tick.open.add(controller)
    return {
      signal: controller.signal,
      end() {
        tick.open.delete(controller)
        if (tick.open.size > 0 || ticks.get(at) !== tick) return
        ticks.delete(at)
        // With a reason: without one an exception is made, with its stack.
        tick.empty.abort(nothingLeft)
      },
    }
  }
}
