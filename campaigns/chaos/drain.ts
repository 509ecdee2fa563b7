import { dueTimes } from '#domain/notification/next.ts'
import type { Notification } from '#domain/notification/state.ts'
import { isOpen, statusOf } from '#domain/notification/status.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'
import type { Sandbox } from '../judging/sandbox.ts'
import { eventually, type Look, persist } from './look.ts'

const notifications = notificationsProjection as unknown as Projection
const shownMax = 10
const awayMaxMs = 60_000

const openOf = ({ log }: Look): readonly (readonly [string, Notification])[] =>
  [...log.notifications].filter(([, notification]) => isOpen(statusOf(notification)))

const at = (ms: number): string => new Date(ms).toISOString()

const timesOf = (due: Readonly<Record<string, number | undefined>>): string =>
  Object.entries(due)
    .flatMap(([lane, ms]) => (ms === undefined ? [] : `${lane} ${at(ms)}`))
    .join(', ') || 'none'

/** In words: what is open, what is due by the log, and what the agenda knows of it. */
const explain = async (look: Look): Promise<readonly string[]> => {
  const open = openOf(look).slice(0, shownMax)
  const collection = await look.readModels.active(notifications)
  const documents = await look.stores.documents.load(
    collection,
    open.map(([id]) => id),
  )
  return open.map(([id, notification]) => {
    const { revision, eventId } = notification
    const found = documents.get(id)
    const due = found?.body.due as Readonly<Record<string, number>> | undefined
    const agenda = found
      ? `the agenda knows revision ${found.version}, due ${timesOf(due ?? {})}`
      : 'the agenda does not know it'
    return `${eventId} (notification ${id}) is ${statusOf(notification)} at revision ${revision}, due ${timesOf(dueTimes(notification))}; ${agenda}.`
  })
}

/**
 * Waits until nothing in the log is open, no receipt is due and the read models hold all of it; answers
 * what is stuck after `maxMs`, and why.
 */
export const drain = async (
  look: Look,
  sandbox: Sandbox,
  maxMs: number,
): Promise<readonly string[]> => {
  const isIdle = async (): Promise<boolean> => {
    await look.log.readOn()
    return look.log.openCount === 0
  }
  const drained = await eventually(maxMs, async () => {
    if (!(await isIdle())) return false
    await sandbox.idle()
    return (await isIdle()) && (await look.isCaughtUp())
  })
  if (drained) return []
  const count = openOf(look).length
  if (count === 0) {
    return [`The read models did not come to the end of the log within ${maxMs / 1_000} s.`]
  }
  const stuck = await persist(awayMaxMs, () => explain(look))
  const waited = `${at(Date.now())}: ${count} notifications are open after ${maxMs / 1_000} s.`
  return [waited, ...stuck]
}
