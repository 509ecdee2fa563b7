import type { LogPage } from '#ports/event-store.ts'

/** Tells those who wait that something happened since they looked. */
export interface WakeUp {
  /** Changes with every `wake`. */
  turn(): number
  wake(): void
  /** Resolves once `turn()` is no longer `seen`, or when `signal` fires. */
  wait(seen: number, signal: AbortSignal): Promise<void>
}

export const createWakeUp = (): WakeUp => {
  const sleepers = new Set<() => void>()
  let turn = 0
  return {
    turn: () => turn,
    wake() {
      turn++
      for (const resume of sleepers) resume()
    },
    wait: (seen, signal) =>
      new Promise((resolve) => {
        if (seen !== turn || signal.aborted) return resolve()
        const resume = (): void => {
          sleepers.delete(resume)
          signal.removeEventListener('abort', resume)
          resolve()
        }
        sleepers.add(resume)
        signal.addEventListener('abort', resume)
      }),
  }
}

interface Following {
  readonly after: string | undefined
  readonly signal: AbortSignal
  /** Asked before a page is read. */
  readonly turn: () => number
  readonly readPage: (after: string | undefined) => Promise<LogPage>
  /** Waits at the head for what came after that turn. */
  readonly wait: (turn: number) => Promise<void>
}

/** Pages without end, none of them empty. */
export async function* follow(following: Following): AsyncGenerator<LogPage, void, void> {
  const { signal, turn, readPage, wait } = following
  let { after } = following
  while (!signal.aborted) {
    const seen = turn()
    const page = await readPage(after)
    if (signal.aborted) return
    if (page.events.length === 0) {
      await wait(seen)
      continue
    }
    after = page.checkpoint
    yield page
  }
}
