import { setTimeout as sleep } from 'node:timers/promises'
import { chance } from '#sandbox/seeded.ts'
import type { Book } from './book.ts'
import type { Client } from './client.ts'
import { createSubmission, type Submission } from './requests.ts'

/** Those who ask while the service lives and dies. */
export interface Producers {
  /** The service answers at this client; `undefined`: it is down, everybody waits. */
  up(client: Client | undefined): void
  /** Nothing new any more; resolves when every request has its 202. */
  finish(): Promise<void>
  /** Throws what a producer met and cannot explain. */
  readonly failed: Promise<never>
}

const producersMax = 4
const batchMax = 10
const pauseMs = 25
/** Shares of what a producer does next. */
const batchShare = 0.35
const repeatShare = 0.12

export const startProducers = (seed: number, book: Book): Producers => {
  let client: Client | undefined
  let opened = Promise.withResolvers<void>()
  let ending = false
  let asked = 0
  let turns = 0
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})

  const fresh = (count: number): Submission[] =>
    Array.from({ length: count }, () => createSubmission(seed, asked++, Date.now()))

  /** What was answered long ago is asked again: it has to be the first answer. */
  const repeated = (draw: number): Submission[] => {
    const found = book.answered[Math.floor(draw * book.answered.length)]
    return found ? [found] : []
  }

  const nextJob = (): readonly Submission[] => {
    turns += 1
    const draw = (what: string): number => chance(seed, `${what} ${turns}`)
    const unanswered = book.takeUnanswered(batchMax)
    if (ending) return unanswered
    const again = draw('repeat') < repeatShare ? repeated(draw('which')) : []
    const count = draw('batch') < batchShare ? 2 + Math.floor(draw('size') * (batchMax - 1)) : 1
    if (unanswered.length > 0) return [...unanswered, ...again]
    return count === 1 && again.length > 0 ? again : [...fresh(count), ...again]
  }

  const produce = async (): Promise<void> => {
    while (!(ending && book.unansweredCount === 0)) {
      const asks = client
      if (!asks) {
        await opened.promise
        continue
      }
      const job = nextJob()
      await asks.submit(job)
      await sleep(pauseMs)
    }
  }

  const all = Promise.all(Array.from({ length: producersMax }, produce)).catch((error: unknown) => {
    failed.reject(error)
    throw error
  })
  all.catch(() => {})

  return {
    failed: failed.promise,
    up(next) {
      client = next
      if (!next) return
      opened.resolve()
      opened = Promise.withResolvers()
    },
    async finish() {
      ending = true
      await all
    },
  }
}
