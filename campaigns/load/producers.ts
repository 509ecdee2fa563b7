import { setTimeout as sleep } from 'node:timers/promises'
import { chance } from '#sandbox/seeded.ts'
import type { Book } from './book.ts'
import type { Client } from './client.ts'
import { createSubmission, type Submission } from './requests.ts'

/** Those who ask while the service lives and dies. */
export interface Producers {
  /** One for each process that may be asked; none: the service is down, everybody waits. */
  up(clients: readonly Client[]): void
  /** Nothing new any more; resolves when every request has its 202. */
  finish(): Promise<void>
  /** Throws what a producer met and cannot explain. */
  readonly failed: Promise<never>
}

export interface Load {
  readonly seed: number
  readonly book: Book
  /** Who asks at the same time. A process that stands still holds one up until its request times out. */
  readonly producers?: number
  /** New requests per second, at most. Default: as fast as they are answered. */
  readonly rate?: number
  /** Longest time that a scheduled request lies ahead. */
  readonly sendAtMaxMs?: number
}

const producersMax = 4
const batchMax = 10
const pauseMs = 25
/** Per second: more than anybody answers. */
const unlimited = 1_000_000
/** Shares of what a producer does next. */
const batchShare = 0.35
const repeatShare = 0.12
/** Of the jobs, so many go to two processes at the same moment when there are two. */
const twinShare = 0.15

export const startProducers = (load: Load): Producers => {
  const { seed, book, producers = producersMax, rate = unlimited, sendAtMaxMs } = load
  let clients: readonly Client[] = []
  let opened = Promise.withResolvers<void>()
  let ending = false
  let asked = 0
  let turns = 0
  let saved = 0
  let savedAt = performance.now()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})

  /** Who was away does not come back with a flood: no more than a second's worth is saved up. */
  const allowed = (wanted: number): number => {
    const now = performance.now()
    saved = Math.min(saved + ((now - savedAt) / 1_000) * rate, Math.max(rate, batchMax))
    savedAt = now
    const count = Math.min(wanted, Math.floor(saved))
    saved -= count
    return count
  }

  const fresh = (count: number): Submission[] =>
    Array.from({ length: count }, () => {
      const n = asked
      asked += 1
      return createSubmission(seed, n, Date.now(), sendAtMaxMs)
    })

  /** What was answered long ago is asked again: it has to be the first answer. */
  const repeated = (draw: number): Submission[] => {
    const found = book.answered[Math.floor(draw * book.answered.length)]
    return found ? [found] : []
  }

  const nextJob = (draw: (what: string) => number): readonly Submission[] => {
    const unanswered = book.takeUnanswered(batchMax)
    if (ending) return unanswered
    const again = draw('repeat') < repeatShare ? repeated(draw('which')) : []
    if (unanswered.length > 0) return [...unanswered, ...again]
    const wanted = draw('batch') < batchShare ? 2 + Math.floor(draw('size') * (batchMax - 1)) : 1
    if (wanted === 1 && again.length > 0) return again
    const count = allowed(wanted)
    return count > 0 ? [...fresh(count), ...again] : []
  }

  /** Whom a job is given to: mostly one, sometimes two at once, and each must get the same answer. */
  const takers = (draw: (what: string) => number): readonly Client[] => {
    const first = Math.floor(draw('client') * clients.length)
    const twins = clients.length > 1 && draw('twin') < twinShare
    return clients.filter((_, index) => index === first || (twins && index === first + 1))
  }

  const produce = async (): Promise<void> => {
    while (!(ending && book.unansweredCount === 0)) {
      if (clients.length === 0) {
        await opened.promise
        continue
      }
      turns += 1
      const turn = turns
      const draw = (what: string): number => chance(seed, `${what} ${turn}`)
      const asks = takers(draw)
      const job = nextJob(draw)
      if (job.length > 0) await Promise.all(asks.map((client) => client.submit(job)))
      await sleep(pauseMs)
    }
  }

  const all = Promise.all(Array.from({ length: producers }, produce)).catch((error: unknown) => {
    failed.reject(error)
    throw error
  })
  all.catch(() => {})

  return {
    failed: failed.promise,
    up(next) {
      clients = next
      if (next.length === 0) return
      opened.resolve()
      opened = Promise.withResolvers()
    },
    async finish() {
      ending = true
      await all
    },
  }
}
