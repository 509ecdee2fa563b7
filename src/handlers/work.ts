import { UnknownEvent } from '#domain/recorded-fact.ts'
import { Unavailable, VersionConflict } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { WorkItem } from '#ports/work-queue.ts'
import { UnreadableStream } from './notifications.ts'
import type { Recorder } from './recorder.ts'

/**
 * Wraps a handler of work: an item is a hint, so a failure costs time only. What cannot be read at all is
 * parked for a person; what a newer version wrote stops this process.
 */
export const createGuard = (needs: {
  readonly events: EventStore
  readonly recorder: Recorder
  readonly log: Log
  readonly signal: AbortSignal
  readonly onFatal: (error: Error) => void
}) => {
  const { events, recorder, log, signal, onFatal } = needs

  /** Appended without folding: the stream's own length is the revision. */
  const park = async (notificationId: string): Promise<void> => {
    const stream = `notification-${notificationId}`
    const recorded = await events.read(stream)
    const last = recorded.at(-1)
    if (!last || last.type === 'NotificationParked') return
    const { app } = last.metadata
    const data = { deliveries: [], reason: 'unreadable' }
    const context = { app, actor: 'system:guard', correlationId: notificationId }
    const parked = recorder.record([{ type: 'NotificationParked', data }], context)
    await recorder.appendSurely(stream, parked, last.revision, { signal })
  }

  const cope = async (item: WorkItem, error: Error): Promise<void> => {
    const fields = { lane: item.lane, notificationId: item.notificationId, error }
    if (error instanceof UnknownEvent) return onFatal(error)
    if (error instanceof Unavailable || error instanceof VersionConflict) {
      return log.warn('Work was given back: a store did not answer.', fields)
    }
    if (!(error instanceof UnreadableStream))
      return log.error('Work failed; it comes back.', fields)
    log.error('A notification cannot be read; it is parked.', fields)
    await park(item.notificationId)
  }

  return (handle: (item: WorkItem) => Promise<void>) =>
    async (item: WorkItem): Promise<void> => {
      try {
        await handle(item)
      } catch (error) {
        await cope(item, error as Error).catch((failure: unknown) =>
          log.error('Work failed twice; it comes back.', { error: failure as Error }),
        )
      }
    }
}
