import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import type { EventStore } from '#ports/event-store.ts'
import { perSecond, rounded } from './figures.ts'
import { eventsEach, finishedNotification } from './finished.ts'
import type { Say } from './measure.ts'
import { logFile } from './service-process.ts'

/** Appended at a time: they share a few commits. */
const atATime = 1_000
const sayEvery = 1_000_000
/** The oldest is this old; they end now. */
const spreadMs = 30 * 24 * 3_600_000

/** Writes finished notifications into a log, `events` in all. */
export const fillLog = async (
  store: EventStore,
  options: { readonly events: number; readonly recipients: number },
  say: Say,
): Promise<void> => {
  const { recipients } = options
  const notifications = Math.floor(options.events / eventsEach)
  const first = Date.now() - spreadMs
  const start = performance.now()
  for (let from = 0; from < notifications; from += atATime) {
    const appends: Promise<unknown>[] = []
    for (let number = from; number < Math.min(notifications, from + atATime); number += 1) {
      const now = first + Math.floor((number / notifications) * spreadMs)
      const { stream, events } = finishedNotification(number, recipients, now)
      appends.push(store.append(stream, events, { expected: 'no-stream' }))
    }
    await Promise.all(appends)
    const events = (from + atATime) * eventsEach
    if (events % sayEvery === 0) {
      const rate = perSecond(events, performance.now() - start)
      say(`preload: ${events} events written, ${rounded(rate)}/s`)
    }
  }
}

/** Writes a log of finished notifications for a service that has not been started yet. */
export const preload = async (
  options: { readonly dataDir: string; readonly events: number; readonly recipients: number },
  say: Say,
): Promise<void> => {
  const { dataDir } = options
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  await using store = await openSqliteEventStore({ path: join(dataDir, logFile), mode: 'write' })
  await fillLog(store, options, say)
}
