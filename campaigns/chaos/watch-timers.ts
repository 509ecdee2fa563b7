import { setTimeout as sleep } from 'node:timers/promises'
import type { StoredDocument } from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'
import type { Look } from './look.ts'
import { persist } from './look.ts'
import { createTimerWatch, type Recovery, timersBackWithinMs } from './timers.ts'

export interface WatchedTimers {
  /** The read models were dropped just now. */
  dropped(): void
  /** Resolves when all due times are back, or five minutes after the last drop. */
  finish(): Promise<readonly Recovery[]>
  /** Throws what kept the watch from looking. */
  readonly failed: Promise<never>
}

const lookEveryMs = 1_000
const loadMax = 1_000
const logAwayMaxMs = 60_000
const notifications = notificationsProjection as unknown as Projection

/** Looks at the agenda once a second while somebody waits for it. */
export const watchTimers = (look: Look): WatchedTimers => {
  const watch = createTimerWatch()
  const drops: number[] = []
  let lastDropMs = Number.NEGATIVE_INFINITY
  let finishing = false

  const documentsOf = async (ids: readonly string[]) => {
    const found = new Map<string, StoredDocument>()
    const collection = await look.readModels.active(notifications)
    for (let index = 0; index < ids.length; index += loadMax) {
      const page = await look.stores.documents.load(collection, ids.slice(index, index + loadMax))
      for (const [id, document] of page) found.set(id, document)
    }
    return found
  }

  const lookOnce = async (): Promise<void> => {
    await persist(logAwayMaxMs, () => look.log.readOn())
    const known = look.log.notifications
    for (let since = drops.shift(); since !== undefined; since = drops.shift()) {
      watch.dropped(known, since)
    }
    if (watch.waiting.length === 0) return
    try {
      watch.look(known, await documentsOf(watch.waiting), performance.now())
    } catch (error) {
      // MongoDB is away: they are not back yet.
      if (!(error instanceof Unavailable)) throw error
    }
  }

  const isDone = (): boolean =>
    finishing &&
    drops.length === 0 &&
    (watch.waiting.length === 0 || performance.now() > lastDropMs + timersBackWithinMs)

  const watching = (async () => {
    while (!isDone()) {
      await sleep(lookEveryMs)
      await lookOnce()
    }
  })()
  const failed = watching.then(() => new Promise<never>(() => {}))
  failed.catch(() => {})

  return {
    failed,
    dropped() {
      lastDropMs = performance.now()
      drops.push(lastDropMs)
    },
    async finish() {
      finishing = true
      await watching
      return watch.recoveries
    },
  }
}
