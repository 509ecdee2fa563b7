import type { FailedData } from '#domain/notification/events.ts'
import { evolve } from '#domain/notification/evolve.ts'
import type { Notification } from '#domain/notification/state.ts'
import { isOpen, statusOf } from '#domain/notification/status.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'

/** The notifications as their streams tell them; read from the file, the service is not asked. */
export interface LogReading {
  readonly notifications: ReadonlyMap<string, Notification>
  /** Attempts that were ever written down as ambiguous, by `<notificationId>.<deliveryId>`. */
  readonly ambiguous: ReadonlyMap<string, ReadonlySet<number>>
  /** Attempts that were written down before they were made: `<notificationId>.<deliveryId>.<attempt>`. */
  readonly fences: ReadonlySet<string>
  readonly openCount: number
  /** Reads on from where the last reading ended, one reading after the other. */
  readOn(): Promise<void>
}

const pageMax = 5_000
const prefix = 'notification-'

export const createLogReading = (events: EventStore): LogReading => {
  const notifications = new Map<string, Notification>()
  const ambiguous = new Map<string, Set<number>>()
  const fences = new Set<string>()
  let after: string | undefined
  let reading = Promise.resolve()

  const noteAttempt = (id: string, { type, data }: RecordedEvent): void => {
    const { deliveryId, attempt, outcome } = data as unknown as FailedData
    const correlation = `${id}.${deliveryId}`
    if (type === 'NotificationDispatched') fences.add(`${correlation}.${attempt}`)
    if (type !== 'NotificationFailed' || outcome !== 'ambiguous') return
    ambiguous.set(correlation, (ambiguous.get(correlation) ?? new Set()).add(attempt))
  }

  const readToHead = async (): Promise<void> => {
    for (let atHead = false; !atHead; ) {
      const page = await events.readAll({
        limit: pageMax,
        ...(after !== undefined && { after }),
      })
      for (const event of page.events) {
        if (!event.stream.startsWith(prefix)) continue
        const id = event.stream.slice(prefix.length)
        const next = evolve(notifications.get(id), event)
        if (next) notifications.set(id, next)
        noteAttempt(id, event)
      }
      after = page.checkpoint
      atHead = page.atHead
    }
  }

  return {
    notifications,
    ambiguous,
    fences,
    get openCount() {
      let count = 0
      for (const each of notifications.values()) if (isOpen(statusOf(each))) count += 1
      return count
    },
    readOn() {
      reading = reading.catch(() => {}).then(readToHead)
      return reading
    },
  }
}
