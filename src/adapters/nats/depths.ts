import type { ConsumerInfo, JetStreamManager, MsgRequest } from 'nats'
import type { Clock } from '#ports/clock.ts'
import type { LaneDepth } from '#ports/work-queue.ts'
import { unavailable } from './api-errors.ts'
import {
  classKey,
  classSubjects,
  type WorkClass,
  workClasses,
  workStream,
} from './work-subjects.ts'

export interface Room {
  readonly count: number
  /** To be called once all were answered: so many of them do not wait. */
  settle(refused: number): void
}

/** What the server says of its classes: one request for all of them, however many ask at once. */
export interface Depths {
  depths(): Promise<readonly LaneDepth[]>
  /**
   * Takes room for as many of `count` items as a class has left; they are counted as waiting until the
   * server is asked again. With several publishers the maximum may be passed by what they sent in between.
   */
  take(one: WorkClass, count: number): Promise<Room>
  hasRoom(one: WorkClass): Promise<boolean>
  /** The stream was made anew: what was known of it is worth nothing. */
  forget(): void
}

interface Count {
  readonly one: WorkClass
  /** What waited when the server was asked last, less what had been settled by then. */
  base: number | undefined
  /** Items that took room and were not refused. */
  charged: number
  settled: number
  /** How many were settled at what time; the first is the newest of those older than the lag. */
  marks: { readonly at: number; readonly settled: number }[]
  info: ConsumerInfo | undefined
  oldest: { readonly delivered: number; readonly askedAt: number; readonly at: number } | undefined
}

/** The age of the oldest item is looked up no more often. */
const oldestEveryMs = 1_000
/** Newer servers count an item as waiting a little after they have answered for it. */
const lagMs = 50

export const createDepths = (needs: {
  readonly manager: JetStreamManager
  readonly capacity: number
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
}): Depths => {
  const { manager, capacity, clock } = needs
  const fresh = (one: WorkClass): Count => ({
    ...{ one, base: undefined, charged: 0, settled: 0 },
    marks: [{ at: Number.NEGATIVE_INFINITY, settled: 0 }],
    ...{ info: undefined, oldest: undefined },
  })
  let counts = new Map(workClasses.map((one) => [classKey(one), fresh(one)]))
  let asking: Promise<void> | undefined

  const countOf = (one: WorkClass): Count => counts.get(classKey(one))!
  const waiting = (count: Count): number => Math.max(0, (count.base ?? 0) + count.charged)

  /** Items that the server must know of by now. */
  const known = ({ marks }: Count): number => {
    const before = clock.monotonic() - lagMs
    while (marks[1] !== undefined && marks[1].at <= before) marks.shift()
    return marks[0]!.settled
  }

  const ask = async (): Promise<void> => {
    const asked = counts
    const marks = new Map([...asked].map(([key, count]) => [key, known(count)]))
    try {
      const infos = await manager.consumers.list(workStream).next()
      for (const info of infos) {
        const count = asked.get(info.name)
        if (count === undefined) continue
        count.info = info
        // What it may not know of yet counts twice until the next time: rather too much than too little.
        count.base = info.num_pending - marks.get(info.name)!
      }
    } catch (error) {
      throw unavailable(error)
    }
  }

  /** Joins a request under way only if that began after the call: the answer is never older than the question. */
  const refresh = async (): Promise<void> => {
    await asking?.catch(() => {})
    asking ??= ask().finally(() => {
      asking = undefined
    })
    await asking
  }

  const oldestAt = async (count: Count): Promise<number> => {
    const now = clock.monotonic()
    const delivered = count.info!.delivered.stream_seq
    const { oldest } = count
    if (oldest && (oldest.delivered === delivered || now - oldest.askedAt < oldestEveryMs))
      return oldest.at
    try {
      // The driver's types do not know that both together mean: the first of these from here on.
      const next = { seq: delivered + 1, next_by_subj: classSubjects(count.one) }
      const message = await manager.streams.getMessage(workStream, next as MsgRequest)
      count.oldest = { delivered, askedAt: now, at: message.time.getTime() }
      return count.oldest.at
    } catch {
      // Taken in the meantime.
      return clock.now()
    }
  }

  const depthOf = async (count: Count): Promise<LaneDepth> => {
    const { info, one } = count
    const waits = info?.num_pending ?? 0
    const inFlight = info?.num_ack_pending ?? 0
    // The server's clock and ours may differ: never a negative age.
    const age = waits === 0 ? 0 : Math.max(0, clock.now() - (await oldestAt(count)))
    if (waits === 0) count.oldest = undefined
    return { lane: one.lane, priority: one.priority, waiting: waits, inFlight, oldestAgeMs: age }
  }

  return {
    async depths() {
      await refresh()
      return Promise.all([...counts.values()].map(depthOf))
    },
    async take(one, wanted) {
      if (countOf(one).base === undefined || waiting(countOf(one)) + wanted > capacity)
        await refresh()
      const count = countOf(one)
      const taken = Math.max(0, Math.min(wanted, capacity - waiting(count)))
      count.charged += taken
      return {
        count: taken,
        settle(refused) {
          count.settled += taken - refused
          count.charged -= refused
          count.marks.push({ at: clock.monotonic(), settled: count.settled })
          known(count)
        },
      }
    },
    async hasRoom(one) {
      await refresh()
      return waiting(countOf(one)) <= capacity / 2
    },
    forget() {
      counts = new Map(workClasses.map((one) => [classKey(one), fresh(one)]))
    },
  }
}
