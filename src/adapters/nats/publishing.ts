import { headers, type MsgHdrs } from 'nats'
import type { Published, WorkItem } from '#ports/work-queue.ts'
import type { Depths, Room } from './depths.ts'
import type { Link } from './link.ts'
import { type Fate, failureOf, type Sender } from './sender.ts'
import { classKey, type WorkClass, workSubject } from './work-subjects.ts'

const headersOf = ({ traceparent }: WorkItem): MsgHdrs | undefined => {
  if (traceparent === undefined) return undefined
  const made = headers()
  made.set('traceparent', traceparent)
  return made
}

/** Publishes items and answers for each; all are under way at once. Throws `Unavailable`. */
export const createPublishing = (needs: {
  readonly link: Link
  readonly sender: Sender
  readonly depths: Depths
  /** Resolves once an item of ours that has just been handled is gone from the stream. */
  readonly finished: (subject: string) => Promise<void> | undefined
}) => {
  const { link, sender, depths, finished } = needs
  const send = async (item: WorkItem, subject: string): Promise<Fate> => {
    const finishing = finished(subject)
    if (finishing !== undefined) await finishing
    return sender.send(subject, '', headersOf(item))
  }

  const takeRoom = async (items: readonly WorkItem[]): Promise<Map<string, Room>> => {
    const wanted = new Map<string, { readonly one: WorkClass; count: number }>()
    for (const { lane, priority } of items) {
      const one = { lane, priority }
      const found = wanted.get(classKey(one)) ?? { one, count: 0 }
      found.count++
      wanted.set(classKey(one), found)
    }
    const rooms = new Map<string, Room>()
    for (const [key, { one, count }] of wanted) rooms.set(key, await depths.take(one, count))
    return rooms
  }

  return async (items: readonly WorkItem[]): Promise<readonly Published[]> => {
    if (items.length === 0) return []
    const subjects = items.map(workSubject)
    await link.up()
    const rooms = await takeRoom(items)
    const left = new Map([...rooms].map(([key, room]) => [key, room.count]))
    const refused = new Map<string, number>()
    const fates = await Promise.all(
      items.map(async (item, index): Promise<Fate> => {
        const key = classKey(item)
        const room = left.get(key)!
        if (room === 0) return 'full'
        left.set(key, room - 1)
        const fate = await send(item, subjects[index]!)
        const waits = fate === 'queued' || fate === 'no-answer'
        if (!waits) refused.set(key, (refused.get(key) ?? 0) + 1)
        return fate
      }),
    )
    for (const [key, room] of rooms) room.settle(refused.get(key) ?? 0)
    const failed = failureOf(fates, link.shown)
    if (failed) throw failed
    return fates as readonly Published[]
  }
}
