import { randomUUID } from 'node:crypto'
import { AckPolicy, connect } from 'nats'
import { describe, expect, test } from 'vitest'
import {
  eventSubject,
  type NatsEventFeedOptions,
  openNatsEventFeed,
} from '#adapters/nats/nats-event-feed.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import type { FeedEvent } from '#ports/event-feed.ts'
import { describeOnNats } from '../../support/nats/on-nats.ts'
import { administer, silentLog } from '../../support/nats/open-queue.ts'
import { until } from '../../support/nats/until.ts'

const eventOf = (parts: Partial<FeedEvent> = {}): FeedEvent => ({
  id: randomUUID(),
  type: 'NotificationCancelled',
  schemaVersion: 1,
  stream: `notification-${randomUUID()}`,
  revision: 3,
  position: '42',
  data: { deliveries: ['d1'] },
  metadata: {
    at: '2026-03-01T10:00:00.000Z',
    app: 'shop',
    actor: 'cli',
    correlationId: 'c',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  },
  ...parts,
})

describe('the subject of an event', () => {
  test('names app, kind and type', () => {
    expect(eventSubject(eventOf())).toBe('pabal.events.shop.notification.NotificationCancelled')
  })

  test('holds no text that could be more than one word', () => {
    const metadata = { ...eventOf().metadata, app: 'a.*.>' }
    expect(eventSubject(eventOf({ metadata }))).toMatch(
      /^pabal\.events\._[\w-]+\.notification\.NotificationCancelled$/,
    )
  })
})

describeOnNats('the feed of events on NATS', ({ server }) => {
  const open = (options: Partial<NatsEventFeedOptions> = {}) =>
    openNatsEventFeed({
      url: server().url,
      replicas: 1,
      clock: createSystemClock(),
      log: silentLog,
      ...options,
    })
  const fresh = () =>
    administer(server().url, (manager) => manager.streams.purge('PABAL_EVENTS').catch(() => false))

  const readAll = async (filter: string) => {
    const connection = await connect({ servers: server().url.replace('nats://', '') })
    try {
      const manager = await connection.jetstreamManager({ checkAPI: false })
      const { name } = await manager.consumers.add('PABAL_EVENTS', {
        filter_subject: filter,
        ack_policy: AckPolicy.None,
        inactive_threshold: 5_000_000_000,
      })
      const consumer = await connection.jetstream().consumers.get('PABAL_EVENTS', name)
      const told = []
      for (;;) {
        const message = await consumer.next({ expires: 1_000 })
        if (message === null) return told
        const traceparent = message.headers?.get('traceparent')
        told.push({ ...(message.json() as Record<string, unknown>), traceparent })
        if (message.info.pending === 0) return told
      }
    } finally {
      await connection.close()
    }
  }

  test('another service reads what it wants to hear of', async () => {
    await fresh()
    await using feed = await open()
    const event = eventOf()
    const elsewhere = eventOf({ metadata: { ...event.metadata, app: 'other' } })
    await feed.publish([event, elsewhere])
    const { metadata, ...rest } = event
    expect(await readAll('pabal.events.shop.>')).toEqual([{ ...rest, ...metadata }])
    expect(await readAll('pabal.events.*.notification.NotificationCancelled')).toHaveLength(2)
  })

  test('what is personal does not leave even if it is handed over', async () => {
    await fresh()
    await using feed = await open()
    const event = { ...eventOf(), personal: { to: '+821012345678' } }
    await feed.publish([event])
    expect(JSON.stringify(await readAll('pabal.events.>'))).not.toContain('8210')
  })

  test('what is published again at once is told once', async () => {
    await fresh()
    await using feed = await open()
    const events = [eventOf(), eventOf()]
    await feed.publish(events)
    await feed.publish(events)
    expect(await readAll('pabal.events.>')).toHaveLength(2)
  })

  test('an event too large for NATS is told without its data', async () => {
    await fresh()
    await using feed = await open()
    await feed.publish([eventOf({ data: { text: 'x'.repeat(1_048_000) } })])
    const [told] = await readAll('pabal.events.>')
    expect(told).toMatchObject({ type: 'NotificationCancelled', dataLeftOut: true })
    expect(told).not.toHaveProperty('data')
  })

  test('the oldest go when the stream has its size', async () => {
    await fresh()
    await using feed = await open({ maxBytes: 20_000 })
    const events = Array.from({ length: 100 }, () => eventOf())
    await feed.publish(events)
    const told = await readAll('pabal.events.>')
    expect(told.length).toBeLessThan(100)
    expect(told.at(-1)).toMatchObject({ id: events.at(-1)!.id })
  })

  test('a stream that is lost is made again, and publishing says so until then', async () => {
    await fresh()
    await using feed = await open()
    await administer(server().url, (manager) => manager.streams.delete('PABAL_EVENTS'))
    await expect(feed.publish([eventOf()])).rejects.toMatchObject({ name: 'Unavailable' })
    await until(() =>
      feed.publish([eventOf()]).then(
        () => true,
        () => false,
      ),
    )
  })
})
