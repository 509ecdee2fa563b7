import type { EventStore, RecordedEvent } from '#ports/event-store.ts'

export interface LogCheck {
  /** Of the streams of another part only the order of positions is looked at. */
  take(event: RecordedEvent, isMine: boolean): void
  readonly events: number
  readonly accepted: number
}

/** What must hold in any log: positions rise, revisions have no gaps, every outcome has its fence. */
export const createLogCheck = (
  store: Pick<EventStore, 'comparePositions'>,
  report: (id: string, detail: string) => void,
): LogCheck => {
  const revisions = new Map<string, number>()
  const open = new Map<string, Set<string>>()
  let position: string | undefined
  let events = 0
  let accepted = 0

  const checkFence = ({ stream, type, data }: RecordedEvent): void => {
    if (data.attempt === undefined) return
    const attempt = `${data.deliveryId}.${data.attempt}`
    const fences = open.get(stream) ?? new Set()
    if (type === 'NotificationDispatched') {
      open.set(stream, fences.add(attempt))
    } else if (!fences.has(attempt)) {
      report(stream, `${type} tells of attempt ${attempt}, which was never written down before.`)
    }
  }

  return {
    get events() {
      return events
    },
    get accepted() {
      return accepted
    },
    take(event, isMine) {
      const { stream, revision, type } = event
      events += 1
      if (position !== undefined && store.comparePositions(position, event.position) >= 0) {
        report(stream, `Position ${event.position} does not lie after ${position}.`)
      }
      position = event.position
      if (!isMine) return
      if (type === 'NotificationRequested') accepted += 1
      const expected = (revisions.get(stream) ?? -1) + 1
      if (revision !== expected) report(stream, `Revision ${revision} follows ${expected - 1}.`)
      revisions.set(stream, revision)
      if (stream.startsWith('notification-')) checkFence(event)
    },
  }
}
