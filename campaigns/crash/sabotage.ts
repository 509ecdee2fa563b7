import { createHash } from 'node:crypto'
import type {
  Change,
  CollectionDeclaration,
  DocumentStore,
  StoredDocument,
} from '#ports/document-store.ts'
import type { EventStore, NewEvent } from '#ports/event-store.ts'
import type { DisposableWorkQueue, WorkQueue } from '#ports/work-queue.ts'
import type { Around } from '#src/app/base.ts'

/** Ways to break the service that the campaign has to find, and one that must not harm. */
export const sabotageNames = [
  'no-fence',
  'content-ids',
  'handed-out-twice',
  'checkpoint-first',
  'answer-before-commit',
] as const
export type SabotageName = (typeof sabotageNames)[number]

const lateMs = 150

const withAppend = (events: EventStore, append: EventStore['append']): EventStore =>
  Object.create(events, { append: { value: append } })

/** The fence is written together with the outcome: before the first byte nothing stands in the log. */
const withoutFence = (events: EventStore): EventStore => {
  const held = new Map<string, { readonly fences: readonly NewEvent[]; readonly at: number }>()
  return withAppend(events, async (stream, news, options) => {
    const { expected } = options
    const before = held.get(stream)
    if (before && expected === before.at + before.fences.length) {
      held.delete(stream)
      return events.append(stream, [...before.fences, ...news], { expected: before.at })
    }
    const fenceAlone = news.every(({ type }) => type === 'NotificationDispatched')
    if (!fenceAlone || expected === 'no-stream') return events.append(stream, news, options)
    held.set(stream, { fences: news, at: expected })
    return { revision: expected + news.length, position: '' }
  })
}

const uuidOf = (text: string): string => {
  const hex = createHash('sha256').update(text).digest('hex')
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
  return [...groups, hex.slice(20, 32)].join('-')
}

/** Two workers who decide the same give it the same ids: the log takes the second for the first's retry. */
const withContentIds = (events: EventStore): EventStore =>
  withAppend(events, (stream, news, options) => {
    const named = news.map((event, index) => {
      const { deliveryId, attempt } = event.data
      const place = `${stream} ${options.expected} ${index}`
      return { ...event, id: uuidOf(`${place} ${event.type} ${deliveryId} ${attempt}`) }
    })
    return events.append(stream, named, options)
  })

/** Every item goes to two workers at the same time. */
const handedOutTwice = (queue: DisposableWorkQueue): DisposableWorkQueue =>
  Object.create(queue, {
    consume: {
      value: ((lane, options, handle) =>
        queue.consume(lane, options, async (item) => {
          await Promise.all([handle(item), handle(item)])
        })) satisfies WorkQueue['consume'],
    },
  })

/** Documents reach the disk after the checkpoint that says they are there; readers here see them at once. */
const withCheckpointFirst = (documents: DocumentStore): DocumentStore => {
  const late = new Map<string, StoredDocument>()
  const keyOf = ({ name, version }: CollectionDeclaration, id: string): string =>
    `${name} ${version} ${id}`
  const isKeptWell = ({ name }: CollectionDeclaration): boolean =>
    name === 'checkpoints' || name === 'aliases'

  const write = async (collection: CollectionDeclaration, changes: readonly Change[]) => {
    if (isKeptWell(collection)) return documents.write(collection, changes)
    for (const change of changes) {
      if (change.do !== 'delete') late.set(keyOf(collection, change.document.id), change.document)
    }
    setTimeout(() => void documents.write(collection, changes), lateMs)
    return { conflicts: [] }
  }
  const load: DocumentStore['load'] = async (collection, ids) => {
    const found = new Map(await documents.load(collection, ids))
    for (const id of ids) {
      const document = late.get(keyOf(collection, id))
      if (document) found.set(id, document)
    }
    return found
  }
  return Object.create(documents, { write: { value: write }, load: { value: load } })
}

/** The producer hears 202 while the event is still on its way to the disk. */
const withEarlyAnswer = (events: EventStore): EventStore =>
  withAppend(events, async (stream, news, options) => {
    if (news[0]?.type !== 'NotificationRequested') return events.append(stream, news, options)
    setTimeout(() => void events.append(stream, news, options).catch(() => {}), lateMs)
    return { revision: 0, position: '' }
  })

const arounds: Readonly<Record<SabotageName, Around>> = {
  'no-fence': { events: withoutFence },
  'content-ids': { events: withContentIds, queue: handedOutTwice },
  'handed-out-twice': { queue: handedOutTwice },
  'checkpoint-first': { documents: withCheckpointFirst },
  'answer-before-commit': { events: withEarlyAnswer },
}

export const aroundOf = (name: SabotageName | undefined): Around => (name ? arounds[name] : {})
