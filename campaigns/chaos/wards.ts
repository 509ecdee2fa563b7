import { setTimeout as sleep } from 'node:timers/promises'
import type { Program } from '../../deploy/cluster/program.ts'

/** Keeps programs up as a supervisor would: who cannot start now is started again. */
export interface Wards {
  /** Resolves when it can be asked; throws when it could not be started for three minutes. */
  bringUp(program: Program): Promise<void>
  /** It ended, and nobody had asked it to: that is noted, and it is started again. */
  died(name: string): void
  /** What nobody had asked for. */
  readonly deaths: readonly string[]
}

const startWithinMs = 180_000
const againAfterMs = 500

export const createWards = (
  programs: () => readonly Program[],
  say: (line: string) => void,
): Wards => {
  const deaths: string[] = []
  const starting = new Map<string, Promise<void>>()

  const start = async (program: Program): Promise<void> => {
    const until = performance.now() + startWithinMs
    for (;;) {
      try {
        return await program.start()
      } catch (error) {
        // It may need a server that is away just now.
        if (performance.now() > until) throw error
        await sleep(againAfterMs)
      }
    }
  }

  const bringUp = (program: Program): Promise<void> => {
    const { name } = program
    const begun = starting.get(name)
    if (begun) return begun
    // It is known as starting before anything happens to it.
    const started = Promise.resolve()
      .then(() => start(program))
      .finally(() => starting.delete(name))
    starting.set(name, started)
    return started
  }

  return {
    bringUp,
    deaths,
    died(name) {
      // One that cannot start yet ends as well, and is started again anyway.
      if (starting.has(name)) return
      say(`${name} ended by itself.`)
      deaths.push(name)
      const program = programs().find((each) => each.name === name)
      // Whoever brings everything up in the end meets the same error and tells it.
      if (program) void bringUp(program).catch(() => {})
    },
  }
}
