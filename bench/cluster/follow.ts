import { setTimeout as sleep } from 'node:timers/promises'
import { cpuMsOf } from '../process-figures.ts'

const lookEveryMs = 20
const waitMaxMs = 600_000

/** Something that a follower of the log counts up, and how far it will count. */
export interface Goal {
  count(): Promise<number>
  readonly target: number
  /** Events of the log for each step. */
  readonly eventsPerStep: number
}

export interface Followed {
  readonly perSecond: number
  /** Of the process, from its first step seen to its last, for each event. */
  readonly cpuMicros: number
}

/** Events per second and their cost between the first sign of progress and the last. */
export const rateBetween = (
  first: { readonly atMs: number; readonly cpuMs: number; readonly steps: number },
  last: { readonly atMs: number; readonly cpuMs: number; readonly steps: number },
  eventsPerStep: number,
): Followed => {
  const events = (last.steps - first.steps) * eventsPerStep
  return {
    perSecond: (events / (last.atMs - first.atMs)) * 1_000,
    cpuMicros: ((last.cpuMs - first.cpuMs) * 1_000) / events,
  }
}

/**
 * Watches a process that has just been started until it has come to its goal. The time before its first
 * sign of progress is its start and does not count.
 */
export const watchFollower = async (pid: number, goal: Goal): Promise<Followed> => {
  const look = async () => {
    const steps = await goal.count()
    return { steps, atMs: performance.now(), cpuMs: cpuMsOf(pid) }
  }
  const before = await look()
  let first = before
  for (let now = before; ; now = await look()) {
    if (now.steps >= goal.target) return rateBetween(first, now, goal.eventsPerStep)
    if (first.steps === before.steps) first = now
    if (now.atMs - before.atMs > waitMaxMs)
      throw new Error(`It came to ${now.steps} of ${goal.target} within ${waitMaxMs / 1_000} s.`)
    await sleep(lookEveryMs)
  }
}
