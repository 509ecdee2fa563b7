export interface Watched {
  /** The number of what is being worked on; 0 when nothing is; `undefined`: there is nothing to watch. */
  readonly current: () => number | undefined
  readonly overrun: (number: number) => void
}

export interface Watchdog {
  watch(): void
  stop(): void
}

const TICKS = 4

/**
 * Says so when the same piece of work is seen at five ticks in a row, so after `timeoutMs` and at most a
 * quarter more. It counts ticks and not the clock: if the whole machine stood still, the worker did too,
 * and nobody was slow. There is no timer while there is nothing to watch.
 */
export const createWatchdog = (timeoutMs: number, watched: Watched): Watchdog => {
  let timer: NodeJS.Timeout | undefined
  let last = 0
  let ticks = 0

  const stop = () => {
    clearInterval(timer)
    timer = undefined
    last = 0
  }
  const tick = () => {
    const current = watched.current()
    if (current === undefined) return stop()
    ticks = current !== 0 && current === last ? ticks + 1 : 0
    last = current
    if (ticks < TICKS) return
    ticks = 0
    watched.overrun(current)
  }
  return {
    watch: () => {
      timer ??= setInterval(tick, Math.max(1, timeoutMs / TICKS)).unref()
    },
    stop,
  }
}
