import { type Lane, lanes, type Priority, priorities } from '#domain/notification/events.ts'
import type { WorkItem } from '#ports/work-queue.ts'

/** A lane in one priority: one durable consumer. */
export interface WorkClass {
  readonly lane: Lane
  readonly priority: Priority
}

export const workStream = 'PABAL_WORK'
const root = 'pabal.work'

export const workClasses: readonly WorkClass[] = lanes.flatMap((lane) =>
  priorities.map((priority) => ({ lane, priority })),
)

/** Also the name of its durable consumer. */
export const classKey = ({ lane, priority }: WorkClass): string => `${lane}-${priority}`

/** Everything of a class. */
export const classSubjects = ({ lane, priority }: WorkClass): string =>
  `${root}.${lane}.${priority}.>`

/** What may stand in a subject as it is: no dot, no wildcard, no space. */
const token = /^[A-Za-z0-9_-]{1,128}$/

export const workSubject = ({ lane, priority, notificationId }: WorkItem): string => {
  if (!token.test(notificationId))
    throw new RangeError('The id of a notification is letters, digits, - and _.')
  return `${root}.${lane}.${priority}.${notificationId}`
}

/** The item that a subject names; `undefined` for what none of us has published. */
export const itemOf = (subject: string, traceparent?: string): WorkItem | undefined => {
  const [first, second, lane, priority, notificationId, ...rest] = subject.split('.')
  const known = lanes.includes(lane as Lane) && priorities.includes(priority as Priority)
  if (`${first}.${second}` !== root || !known || notificationId === undefined || rest.length > 0)
    return undefined
  const item = { lane: lane as Lane, priority: priority as Priority, notificationId }
  return traceparent === undefined || traceparent === '' ? item : { ...item, traceparent }
}
