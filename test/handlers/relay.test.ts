import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import type { Lane, Priority } from '#domain/notification/events.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { runRelay } from '#handlers/relay.ts'
import type { EventStore, NewEvent } from '#ports/event-store.ts'
import type { Published, WorkItem, WorkQueue } from '#ports/work-queue.ts'
import { createFakeClock, settle } from '../support/fake-clock.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { openTenure } from '../support/tenure.ts'

const crashPoints = unarmedCrashPoints
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** A queue that takes what a test lets it take. */
const createNarrowQueue = () => {
  const taken: WorkItem[] = []
  const full = new Set<string>()
  const seekers = new Map<string, PromiseWithResolvers<void>>()
  let asked = 0
  const keyOf = (lane: Lane, priority: Priority) => `${lane} ${priority}`
  const queue: WorkQueue = {
    volatile: true,
    epoch: () => 'only',
    publish: async (items) =>
      items.map((item): Published => {
        asked += 1
        if (full.has(keyOf(item.lane, item.priority))) return 'full'
        taken.push(item)
        return 'queued'
      }),
    consume: async () => {},
    depths: async () => [],
    room: async (lane, priority, signal) => {
      const key = keyOf(lane, priority)
      if (!full.has(key)) return
      const seeker = seekers.get(key) ?? Promise.withResolvers<void>()
      seekers.set(key, seeker)
      signal.addEventListener('abort', () => seeker.resolve(), { once: true })
      await seeker.promise
    },
  }
  return {
    queue,
    taken,
    asked: () => asked,
    fill: (lane: Lane, priority: Priority = 'normal') => void full.add(keyOf(lane, priority)),
    empty: (lane: Lane, priority: Priority = 'normal') => {
      const key = keyOf(lane, priority)
      full.delete(key)
      seekers.get(key)?.resolve()
      seekers.delete(key)
    },
    ids: (lane: Lane) =>
      taken.filter((item) => item.lane === lane).map((item) => item.notificationId),
  }
}

const open = () => {
  const store = createMemoryEventStore()
  const documents = createMemoryDocumentStore()
  const clock = createFakeClock()
  const random = createSeededRandom()
  const narrow = createNarrowQueue()
  let broken: Error | undefined
  const events: EventStore = {
    ...store,
    readAll: (options) => (broken ? Promise.reject(broken) : store.readAll(options)),
  }
  const append = async (id: string, type: string, data: object) => {
    const stream = `notification-${id}`
    const revision = (await store.read(stream)).length - 1
    const metadata = {
      at: new Date(clock.now()).toISOString(),
      app: 'shop',
      actor: 'key:test',
      correlationId: id,
    }
    const event = { id: random.uuid(), type, schemaVersion: 1, data, metadata } as NewEvent
    await store.append(stream, [event], { expected: revision < 0 ? 'no-stream' : revision })
  }
  const stopping = new AbortController()
  const start = () => {
    const checkpoints = createCheckpoints({ events: store, documents, log: silent })
    const tenure = openTenure(stopping.signal)
    const ended = runRelay({
      ...{ events, queue: narrow.queue, checkpoints, clock, crashPoints, tenure },
    })
    return { ended, checkpoints }
  }
  return {
    ...narrow,
    clock,
    store,
    start,
    stop: () => stopping.abort(),
    requested: (id: string, data: object = {}) =>
      append(id, 'NotificationRequested', { priority: 'normal', ...data }),
    routed: (id: string, ...channels: readonly Lane[]) =>
      append(id, 'NotificationRouted', {
        priority: 'normal',
        deliveries: channels.map((channel) => ({ channel })),
      }),
    append,
    breakLog: (error: Error | undefined) => {
      broken = error
    },
  }
}

describe('the relay', () => {
  test('tells the lanes what there may be to do, one item per lane', async () => {
    const { start, requested, routed, append, taken, clock } = open()
    start()
    await settle()
    const sendAt = new Date(clock.now() + 1_000).toISOString()
    await requested('a', { priority: 'urgent' })
    await requested('later', { sendAt })
    await routed('a', 'push', 'push', 'sms')
    await append('a', 'NotificationCancelled', { deliveries: [], reason: 'requested' })
    await settle()
    expect(taken).toEqual([
      { lane: 'route', priority: 'urgent', notificationId: 'a' },
      { lane: 'push', priority: 'normal', notificationId: 'a' },
      { lane: 'sms', priority: 'normal', notificationId: 'a' },
    ])
  })

  test('without a position starts at the head', async () => {
    const { start, requested, ids } = open()
    await requested('before')
    start()
    await settle()
    await requested('after')
    await settle()
    expect(ids('route')).toEqual(['after'])
  })

  test('goes on where it was when it starts again', async () => {
    const { start, requested, ids, clock } = open()
    const first = start()
    await settle()
    await clock.advance(1_500)
    await requested('a')
    await settle()
    expect(await first.checkpoints.load('relay')).toBeDefined()
    start()
    await requested('b')
    await settle()
    expect(ids('route')).toEqual(['a', 'b', 'b'])
  })

  test('holds up no lane for one that is full, and forgets none of its work', async () => {
    const { start, routed, fill, empty, ids } = open()
    start()
    await settle()
    fill('push')
    for (const id of ['a', 'b', 'c']) {
      await routed(id, 'push', 'sms')
      await settle()
    }
    expect([ids('sms'), ids('push')]).toEqual([['a', 'b', 'c'], []])
    empty('push')
    await settle()
    expect(ids('push')).toEqual(['a', 'b', 'c'])
    await routed('d', 'push')
    await settle()
    expect(ids('push')).toEqual(['a', 'b', 'c', 'd'])
  })

  test('keeps the priorities of one lane apart', async () => {
    const { start, requested, fill, ids } = open()
    start()
    await settle()
    fill('route', 'bulk')
    await requested('slow', { priority: 'bulk' })
    await requested('fast', { priority: 'urgent' })
    await settle()
    expect(ids('route')).toEqual(['fast'])
  })

  test('does not knock at a full lane again and again', async () => {
    const { start, routed, fill, asked } = open()
    start()
    await settle()
    fill('push')
    for (let made = 0; made < 50; made += 1) {
      await routed(`n${made}`, 'push')
      await settle(2)
    }
    expect(asked()).toBeLessThan(60)
  })

  test('saves no position past what a full lane has not been told', async () => {
    const { start, routed, fill, empty, clock } = open()
    const { checkpoints } = start()
    await settle()
    fill('push')
    await routed('a', 'push')
    await clock.advance(2_000)
    await routed('b', 'sms')
    await settle()
    expect(await checkpoints.load('relay')).toBeUndefined()
    empty('push')
    await clock.advance(2_000)
    await routed('c', 'sms')
    await settle()
    expect(await checkpoints.load('relay')).toBeDefined()
  })

  test('nor when it stops while that lane is full', async () => {
    const { start, stop, routed, fill, clock } = open()
    const { checkpoints, ended } = start()
    await settle()
    fill('push')
    await routed('a', 'push')
    await clock.advance(2_000)
    await routed('b', 'sms')
    stop()
    await ended
    expect(await checkpoints.load('relay')).toBeUndefined()
  })

  test('ends with the failure of a lane that was being caught up with', async () => {
    const { start, routed, fill, empty, breakLog } = open()
    const { ended } = start()
    await settle()
    fill('push')
    fill('email')
    await routed('a', 'push', 'email')
    await settle()
    await routed('b', 'push')
    await settle()
    breakLog(new Error('It broke.'))
    const failing = expect(ended).rejects.toThrow('It broke.')
    empty('push')
    await failing
  })
})
