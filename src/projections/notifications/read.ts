import type {
  DispatchedData,
  DispatchedPersonal,
  RequestedData,
} from '#domain/notification/events.ts'
import { evolve } from '#domain/notification/evolve.ts'
import type { State } from '#domain/notification/state.ts'
import type { CollectionDeclaration, DocumentStore } from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { NotificationDocument } from './notifications.ts'
import { type Addresses, absentView, addressKey, type NotificationView, viewOf } from './view.ts'

export interface Sources {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly collection: () => Promise<CollectionDeclaration>
}

export interface ViewOptions {
  /** As it was at this time, milliseconds since the epoch. */
  readonly at?: number
  /** With the addresses that attempts went to. */
  readonly personal?: boolean
}

/** The record of one notification; `undefined` when there is none, or it is another app's. */
export const readRecorded = async (
  events: EventStore,
  app: string,
  id: string,
): Promise<readonly RecordedEvent[] | undefined> => {
  const recorded = await events.read(`notification-${id}`)
  return recorded[0]?.metadata.app === app ? recorded : undefined
}

const addressesOf = (recorded: readonly RecordedEvent[]): Addresses => {
  const addresses = new Map<string, string>()
  for (const { type, data, personal } of recorded) {
    if (type !== 'NotificationDispatched' || !personal) continue
    const { deliveryId, attempt } = data as unknown as DispatchedData
    const { to } = personal as unknown as DispatchedPersonal
    if (to !== '') addresses.set(addressKey(deliveryId, attempt), to)
  }
  return addresses
}

/** As far as it can be folded: what was accepted is answered for even when a later event is broken. */
const foldReadable = (recorded: readonly RecordedEvent[]) => {
  let state: State
  for (const event of recorded) {
    try {
      state = evolve(state, event)
    } catch (error) {
      if (!state) throw error
      return { state, stale: `${event.type} at revision ${event.revision} cannot be read.` }
    }
  }
  return { state }
}

const fromStream = (
  id: string,
  recorded: readonly RecordedEvent[],
  { at = Infinity, personal = false }: ViewOptions,
): NotificationView => {
  // The clocks of those who write differ: what was recorded before something counted by then.
  const last = recorded.findLastIndex((event) => Date.parse(event.metadata.at) <= at)
  const { state, stale } = foldReadable(recorded.slice(0, last + 1))
  const { eventId } = recorded[0]!.data as unknown as RequestedData
  if (!state) return absentView(id, eventId)
  const view = viewOf(id, state, personal ? addressesOf(recorded) : undefined)
  return stale === undefined ? view : { ...view, stale }
}

/** `undefined`: not there yet, not whole, or the read models do not answer. The stream says it all the same. */
const fromReadModel = async (
  { documents, collection }: Sources,
  app: string,
  id: string,
): Promise<NotificationView | undefined> => {
  try {
    const found = (await documents.load(await collection(), [id])).get(id)
    const body = found?.body as NotificationDocument | undefined
    if (body?.app !== app || !body.state || body.stale !== undefined) return undefined
    return viewOf(id, body.state)
  } catch (error) {
    if (error instanceof Unavailable) return undefined
    throw error
  }
}

/** From the read model, else folded from the stream: what was accepted is always there. */
export const readNotification = async (
  sources: Sources,
  app: string,
  id: string,
  options: ViewOptions = {},
): Promise<NotificationView | undefined> => {
  if (options.at === undefined && !options.personal) {
    const found = await fromReadModel(sources, app, id)
    if (found) return found
  }
  const recorded = await readRecorded(sources.events, app, id)
  return recorded && fromStream(id, recorded, options)
}
