import type { NotificationStatus } from '#domain/notification/status.ts'
import type {
  CollectionDeclaration,
  DocumentStore,
  Find,
  StoredDocument,
} from '#ports/document-store.ts'
import type { NotificationDocument } from './notifications.ts'
import { type NotificationView, viewOf } from './view.ts'

export interface HistoryFilter {
  readonly app: string
  readonly userId?: string
  readonly status?: NotificationStatus
  readonly channel?: string
  readonly category?: string
  /** Of `requestedAt`, both included; milliseconds since the epoch. */
  readonly from?: number
  readonly to?: number
}

/** The last document that was looked at. */
export interface Place {
  readonly value: number
  readonly id: string
}

export interface HistoryPage {
  /** Newest first; may be short though there is more. */
  readonly items: readonly NotificationView[]
  /** Absent: there is no more. */
  readonly next?: Place
}

/** Documents looked at for one page at most, in steps. */
const scanMax = 1_000
const stepMax = 200

/** The most selective index there is for it; the rest is filtered. */
const whereOf = ({ app, userId, status }: HistoryFilter): Find['where'] => {
  if (userId !== undefined) return { app, userId }
  return status === undefined ? { app } : { app, status }
}

const rangeOf = ({ from, to }: HistoryFilter): Pick<Find, 'range'> =>
  from === undefined && to === undefined
    ? {}
    : {
        range: {
          field: 'requestedAt',
          ...(from !== undefined && { from }),
          ...(to !== undefined && { to }),
        },
      }

const matches = (filter: HistoryFilter, body: NotificationDocument): boolean => {
  const { status, channel, category } = filter
  const { state } = body
  if (!state) return false
  if (status !== undefined && body.status !== status) return false
  if (category !== undefined && state.category !== category) return false
  if (channel === undefined) return true
  return state.routed
    ? state.deliveries.some((each) => each.channel === channel)
    : state.channels?.some((each) => each === channel) === true
}

/** Whether its index serves the whole filter. */
const isServed = ({ userId, status, channel, category }: HistoryFilter): boolean =>
  channel === undefined && category === undefined && (userId === undefined || status === undefined)

const itemOf = (id: string, { state, status, stale }: NotificationDocument): NotificationView =>
  stale === undefined ? viewOf(id, state!) : { ...viewOf(id, state!), status, stale }

/** A page of an app's notifications. It costs a bounded number of documents, whatever is asked. */
export const findNotifications = async (
  needs: { readonly documents: DocumentStore; readonly collection: CollectionDeclaration },
  filter: HistoryFilter,
  page: { readonly after?: Place; readonly limit: number },
): Promise<HistoryPage> => {
  const items: NotificationView[] = []
  let after = page.after
  for (let scanned = 0; scanned < scanMax; ) {
    const limit = isServed(filter) ? page.limit : stepMax
    const found: readonly StoredDocument[] = await needs.documents.find(needs.collection, {
      where: whereOf(filter),
      ...rangeOf(filter),
      order: { field: 'requestedAt', direction: 'descending' },
      ...(after && { after }),
      limit,
    })
    for (const { id, body } of found) {
      const document = body as NotificationDocument
      after = { value: document.requestedAt, id }
      if (matches(filter, document)) items.push(itemOf(id, document))
      if (items.length === page.limit) return { items, next: after }
    }
    if (found.length < limit) return { items }
    scanned += found.length
  }
  return { items, ...(after && { next: after }) }
}
