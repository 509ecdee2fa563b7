import { randomUUID } from 'node:crypto'
import type { EventStore, NewEvent, RecordedEvent } from '#ports/event-store.ts'

/** Logs may be shared with other tests: every test has streams of its own. */
export const newStream = (): string => `notification-${randomUUID()}`

export const newEvent = (parts: Partial<NewEvent> = {}): NewEvent => ({
  id: randomUUID(),
  type: 'NotificationRequested',
  schemaVersion: 1,
  data: { eventId: 'order-1', nested: { list: [1, 'two', null, true] } },
  metadata: {
    at: '2026-01-01T00:00:00.000Z',
    app: 'default',
    actor: 'key:k1',
    correlationId: '00000000-0000-4000-8000-000000000001',
  },
  ...parts,
})

export const newEvents = (count: number): readonly NewEvent[] =>
  Array.from({ length: count }, (_, at) => newEvent({ data: { at } }))

/** An event with all that may be absent. */
export const fullEvent = (): NewEvent =>
  newEvent({
    schemaVersion: 3,
    personal: { to: { email: 'harim@example.org' }, data: { name: '하림' } },
    metadata: {
      at: '2026-02-28T23:59:59.999Z',
      app: 'shop',
      actor: 'system:router',
      correlationId: 'order 1',
      causationId: '00000000-0000-4000-8000-000000000002',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  })

/** All events after a position, by pages. */
export const readLog = async (
  store: EventStore,
  after: string | undefined,
  limit = 10_000,
): Promise<readonly RecordedEvent[]> => {
  const events: RecordedEvent[] = []
  for (let from = after; ; ) {
    const page = await store.readAll({ ...(from === undefined ? {} : { after: from }), limit })
    if (page.events.length > limit) throw new Error('A page is larger than its limit.')
    events.push(...page.events)
    if (page.atHead) return events
    from = page.checkpoint
  }
}

/** The first `count` events that a subscription gives; its pages must not be empty. */
export const follow = async (
  store: EventStore,
  options: { readonly after?: string | undefined; readonly limit?: number; readonly count: number },
): Promise<readonly RecordedEvent[]> => {
  const { after, limit, count } = options
  const events: RecordedEvent[] = []
  const stop = new AbortController()
  const pages = store.subscribe({
    ...(after === undefined ? {} : { after }),
    ...(limit === undefined ? {} : { limit }),
    signal: stop.signal,
  })
  for await (const page of pages) {
    if (page.events.length === 0) throw new Error('A page is empty.')
    if (limit !== undefined && page.events.length > limit) throw new Error('A page is too large.')
    events.push(...page.events)
    if (events.length >= count) stop.abort()
  }
  return events
}
