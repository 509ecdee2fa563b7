import { headers, type Msg, type MsgHdrs } from 'nats'
import { Unavailable } from '#ports/errors.ts'
import type { Published, WorkItem } from '#ports/work-queue.ts'
import type { Answers } from './answers.ts'
import type { Depths, Room } from './depths.ts'
import type { Link } from './link.ts'
import { classKey, type WorkClass, workSubject } from './work-subjects.ts'

/** Messages under way at once; newer servers refuse some when more than 10,000 wait for their disk. */
const windowMax = 2_000

const decoder = new TextDecoder()

type Fate = Published | 'no-stream' | 'no-answer' | 'no-storage' | 'closed'

interface PubAnswer {
  readonly seq?: number
  readonly error?: {
    readonly code: number
    readonly err_code: number
    readonly description: string
  }
}

/**
 * 10077 is every refusal of the store, told apart by its words alone. Only the one for the subject means
 * that the item is there; those of limits that somebody gave the stream by hand mean that it is full.
 */
const refusalOf = ({ code, err_code, description }: NonNullable<PubAnswer['error']>): Fate => {
  if (err_code === 10077 && /per subject/.test(description)) return 'waiting'
  if (err_code === 10077 && /maximum (?:messages|bytes)/.test(description)) return 'full'
  return code === 503 ? 'no-answer' : 'no-storage'
}

const fateOf = (answer: Msg | undefined): Fate => {
  if (answer === undefined) return 'no-answer'
  if (answer.data.length === 0) return answer.headers?.code === 503 ? 'no-stream' : 'no-answer'
  const { error } = JSON.parse(decoder.decode(answer.data)) as PubAnswer
  return error === undefined ? 'queued' : refusalOf(error)
}

const headersOf = ({ traceparent }: WorkItem): MsgHdrs | undefined => {
  if (traceparent === undefined) return undefined
  const made = headers()
  made.set('traceparent', traceparent)
  return made
}

/** Publishes items and answers for each; all are under way at once. Throws `Unavailable`. */
export const createPublishing = (needs: {
  readonly link: Link
  readonly answers: Answers
  readonly depths: Depths
  /** Resolves once an item of ours that has just been handled is gone from the stream. */
  readonly finished: (subject: string) => Promise<void> | undefined
}) => {
  const { link, answers, depths, finished } = needs
  let underWay = 0
  const queued: (() => void)[] = []

  const enter = (): Promise<void> | undefined => {
    if (underWay < windowMax) {
      underWay++
      return undefined
    }
    // The place is handed over by the one who leaves.
    return new Promise((resolve) => queued.push(resolve))
  }
  const leave = (): void => {
    const next = queued.shift()
    if (next === undefined) underWay--
    else next()
  }

  const send = async (item: WorkItem, subject: string): Promise<Fate> => {
    const finishing = finished(subject)
    if (finishing !== undefined) await finishing
    const entering = enter()
    if (entering !== undefined) await entering
    return new Promise((resolve) => {
      try {
        answers.ask(
          subject,
          '',
          (answer) => {
            leave()
            resolve(fateOf(answer))
          },
          headersOf(item),
        )
      } catch {
        // The connection was closed under it.
        leave()
        resolve('closed')
      }
    })
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

  const failure = (fates: readonly Fate[]): Unavailable | undefined => {
    if (fates.includes('no-stream'))
      return new Unavailable(
        'queue/no-jetstream',
        `Nobody at ${link.shown} takes work: JetStream or its stream is away. It is made again as soon as it can be.`,
      )
    if (fates.includes('no-storage'))
      return new Unavailable(
        'queue/no-storage',
        `NATS at ${link.shown} cannot store more. Give JetStream more storage, or its account a higher limit.`,
      )
    if (fates.includes('no-answer') || fates.includes('closed'))
      return new Unavailable('queue/no-answer', `NATS at ${link.shown} did not answer in time.`)
    return undefined
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
    const failed = failure(fates)
    if (failed) throw failed
    return fates as readonly Published[]
  }
}
