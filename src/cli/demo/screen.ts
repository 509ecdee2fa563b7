import type { Clock } from '#ports/clock.ts'

/** What a person sees while it runs: lines that stay, and one that is replaced. */
export interface Screen {
  say(text: string): void
  /** On a terminal at once, in place of the last one; elsewhere only now and then. */
  progress(text: string): void
}

const sparseMs = 5_000
const fastMs = 100

export const createScreen = (
  out: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown },
  clock: Clock,
): Screen => {
  const isTerminal = out.isTTY === true
  const pauseMs = isTerminal ? fastMs : sparseMs
  let shownAt = -Infinity
  let replaced = false

  const clear = (): string => {
    const code = replaced ? '\r\u001b[K' : ''
    replaced = false
    return code
  }

  return {
    say(text) {
      out.write(`${clear()}${text}\n`)
      shownAt = clock.monotonic()
    },
    progress(text) {
      if (clock.monotonic() - shownAt < pauseMs) return
      shownAt = clock.monotonic()
      if (!isTerminal) return void out.write(`  ${text}\n`)
      // A line that wraps could not be taken back.
      const line = `  ${text}`.slice(0, (out.columns ?? 80) - 1)
      out.write(`${clear()}${line}`)
      replaced = true
    },
  }
}
