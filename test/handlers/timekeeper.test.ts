import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import type { Lane, Priority } from '#domain/notification/events.ts'
import { createTimekeeper } from '#handlers/timekeeper.ts'
import type { Published, WorkItem, WorkQueue } from '#ports/work-queue.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import { collectionOf } from '#projections/projection.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const collection = collectionOf(notificationsProjection, 0)

const createAnsweringQueue = (volatile: boolean) => {
  const published: WorkItem[] = []
  const settings: { answer: (item: WorkItem) => Published; epoch: string } = {
    answer: () => 'queued',
    epoch: 'first',
  }
  const queue: WorkQueue = {
    volatile,
    epoch: () => settings.epoch,
    publish: async (items) => {
      published.push(...items)
      return items.map((item) => settings.answer(item))
    },
    consume: async () => {},
    depths: async () => [],
    room: async () => {},
  }
  return { queue, published, settings }
}

const open = (options: { readonly volatile?: boolean } = {}) => {
  const clock = createFakeClock()
  const documents = createMemoryDocumentStore()
  const { queue, published, settings } = createAnsweringQueue(options.volatile ?? false)
  const state = { paused: new Set<string>(), known: true, caughtUp: true, agenda: 0 }
  const timekeeper = createTimekeeper({
    ...{ documents, queue, clock },
    collection: async () => collection,
    crashPoints: unarmedCrashPoints,
    signal: new AbortController().signal,
    agendaTime: () => clock.now() + state.agenda,
    caughtUpOnce: () => state.caughtUp,
    isPaused: (credential) => state.paused.has(credential),
    isKnown: () => state.known,
  })
  const put = async (
    id: string,
    due: Partial<Record<Lane, number>>,
    more: { readonly priority?: Priority; readonly state?: object } = {},
  ): Promise<void> => {
    const before = (await documents.load(collection, [id])).get(id)
    const version = (before?.version ?? 0) + 1
    const document = { id, version, body: { priority: 'normal', due, ...more } }
    await documents.write(collection, [
      before ? { do: 'replace', document, ifVersion: before.version } : { do: 'insert', document },
    ])
  }
  /** Ticks as the loop does, for so long. */
  const run = async (ms: number): Promise<void> => {
    for (let waited = 0; waited < ms; waited += 200) {
      await timekeeper.tick()
      await clock.advance(200)
    }
  }
  const now = clock.now()
  return { clock, put, run, now, state, settings, published, ids: () => published.map(idOf) }
}

const idOf = (item: WorkItem): string => item.notificationId
const named = (count: number, prefix = 'n'): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(5, '0')}`)

/** A routed notification with one push that may be sent. */
const sendable = (now: number, deferReason?: string) => ({
  routed: true,
  openSince: now,
  requestedAt: now,
  cancelled: false,
  deliveries: [
    {
      ...{ deliveryId: 'd1', channel: 'push', provider: 'apns', credential: 'apns' },
      ...{ endpoint: { kind: 'device', masked: '' }, attempts: [], forgivenUpTo: 0 },
      sendableFrom: now,
      ...(deferReason && { deferReason, deferredUntil: now }),
    },
  ],
})

describe('what falls due', () => {
  test('is published once, on its lane, with its priority, soon after', async () => {
    const { put, run, now, published } = open()
    await put('a', { push: now + 1_000 }, { priority: 'urgent' })
    await put('b', { route: now + 5_000, sms: now + 1_000 })
    await run(1_200)
    expect(published).toEqual([])
    await run(1_000)
    expect(published).toEqual([
      { lane: 'push', priority: 'urgent', notificationId: 'a' },
      { lane: 'sms', priority: 'normal', notificationId: 'b' },
    ])
    await run(20_000)
    expect(published).toHaveLength(3)
    expect(published[2]).toMatchObject({ lane: 'route', notificationId: 'b' })
  })

  test('comes in the order of its time, all of it whatever the backlog', async () => {
    const { put, run, now, ids } = open()
    const all = named(2_500)
    for (const [index, id] of all.entries()) await put(id, { push: now - 10_000 - index })
    await run(600)
    expect(ids()).toEqual(all.toReversed())
  })

  test('is published again when it falls due again', async () => {
    const { put, run, now, ids } = open()
    await put('a', { push: now })
    await run(2_000)
    await put('a', { push: now + 5_000 })
    await run(5_000)
    expect(ids()).toEqual(['a', 'a'])
  })

  test('does not fall due while the read model lags: its own time counts', async () => {
    const { put, run, now, ids, state } = open()
    state.agenda = -3_600_000
    await put('a', { push: now })
    await run(5_000)
    expect(ids()).toEqual([])
    state.agenda = 0
    await run(400)
    expect(ids()).toEqual(['a'])
  })

  test('waits where it is while its lane is full, and loses its place to nobody', async () => {
    const { put, run, now, published, ids, settings } = open()
    const all = named(5)
    for (const [index, id] of all.entries()) await put(id, { push: now - 5_000 + index })
    let room = 2
    settings.answer = () => {
      room -= 1
      return room >= 0 ? 'queued' : 'full'
    }
    await run(200)
    room = 1
    published.length = 0
    await run(200)
    expect(ids()[0]).toBe(all[2])
    room = 10
    published.length = 0
    await run(200)
    expect(ids()).toEqual(all.slice(3))
  })
})

describe('what is still due half a minute later', () => {
  test('is published again, and again', async () => {
    const { put, run, now, published } = open()
    await put('a', { push: now })
    await run(29_000)
    expect(published).toHaveLength(1)
    await run(4_000)
    expect(published).toHaveLength(2)
    await run(20_000)
    expect(published.length).toBeGreaterThan(4)
    expect(published.length).toBeLessThan(8)
    await put('a', {})
    published.length = 0
    await run(20_000)
    expect(published).toEqual([])
  })

  test('is asked about at most some 500 times a second while it waits in its lane', async () => {
    const { put, run, now, published, settings } = open()
    for (const [index, id] of named(5_000).entries()) await put(id, { push: now - 60_000 + index })
    await run(1_000)
    settings.answer = () => 'waiting'
    published.length = 0
    await run(17_000)
    expect(published.length).toBeGreaterThanOrEqual(5_000)
    expect(published.length).toBeLessThanOrEqual(17 * 500 + 500)
    expect(new Set(published.map(idOf)).size).toBe(5_000)
  })

  test('is gone through to the end though its lane is full now and then', async () => {
    const { put, run, now, published, settings } = open()
    const all = named(1_200)
    for (const [index, id] of all.entries()) await put(id, { push: now - 60_000 + index })
    await run(1_000)
    published.length = 0
    const taken = new Set<string>()
    let room = 0
    settings.answer = (item) => {
      room -= 1
      if (room < 0) return 'full'
      taken.add(item.notificationId)
      return 'queued'
    }
    for (let times = 0; times < 60; times += 1) {
      room = 100
      await run(200)
    }
    expect(taken.size).toBe(1_200)
  })
})

describe('after a start with an empty queue', () => {
  test('everything open is published at once, also what its hint was lost of', async () => {
    const { put, run, now, ids } = open({ volatile: true })
    await put('hinted', { push: now + 25_000 })
    await put('later', { push: now + 60_000 })
    await run(200)
    expect(ids()).toEqual(['hinted'])
  })

  test('that waits until the read model has held the whole log', async () => {
    const { put, run, now, ids, state } = open({ volatile: true })
    state.caughtUp = false
    state.agenda = -3_600_000
    await put('a', { push: now + 10_000 })
    await run(2_000)
    expect(ids()).toEqual([])
    state.caughtUp = true
    await run(200)
    expect(ids()).toEqual(['a'])
  })

  test('that goes on where a full lane stopped it', async () => {
    const { put, run, now, settings } = open({ volatile: true })
    const all = named(50)
    for (const [index, id] of all.entries()) await put(id, { push: now + 20_000 + index })
    const taken: string[] = []
    let room = 0
    settings.answer = (item) => {
      room -= 1
      if (room < 0) return 'full'
      taken.push(item.notificationId)
      return 'queued'
    }
    for (let times = 0; times < 10; times += 1) {
      room = 10
      await run(200)
    }
    expect(taken).toEqual(all)
  })

  test('a queue that remembers is not told again', async () => {
    const { put, run, now, ids } = open({ volatile: false })
    await put('a', { push: now + 10_000 })
    await run(1_000)
    expect(ids()).toEqual([])
  })
})

describe('when the queue has lost what it held', () => {
  test('everything open is published again at once, also what its hint was lost of', async () => {
    const { put, run, now, ids, settings } = open({ volatile: false })
    await put('hinted', { push: now + 25_000 })
    await put('routed', { route: now + 25_000 })
    await put('later', { push: now + 60_000 })
    await run(1_000)
    expect(ids()).toEqual([])
    settings.epoch = 'second'
    await run(200)
    expect(ids().toSorted()).toEqual(['hinted', 'routed'])
    await run(1_000)
    expect(ids()).toHaveLength(2)
  })

  test('during its recovery, that begins anew', async () => {
    const { put, run, now, ids, settings } = open({ volatile: true })
    for (const id of named(2)) await put(id, { push: now + 20_000 })
    let room = 1
    settings.answer = () => (room-- > 0 ? 'queued' : 'full')
    await run(200)
    settings.epoch = 'second'
    settings.answer = () => 'queued'
    const before = ids().length
    await run(200)
    expect(ids().slice(before)).toEqual(named(2))
  })
})

describe('what waits for paused credentials', () => {
  test('is left alone, and published when they work again', async () => {
    const { put, run, now, ids, state } = open()
    state.paused.add('apns')
    await put('a', { push: now }, { state: sendable(now) })
    await run(60_000)
    expect(ids()).toEqual([])
    state.paused.clear()
    await run(6_000)
    expect(new Set(ids())).toEqual(new Set(['a']))
  })

  test('is looked at once when there are no credentials, so that it can be said', async () => {
    const { put, run, now, ids, state } = open()
    state.paused.add('apns')
    state.known = false
    await put('a', { push: now }, { state: sendable(now) })
    await run(1_000)
    expect(ids()).toEqual(['a'])
    await put('a', { push: now + 1_000 }, { state: sendable(now, 'provider-paused') })
    await run(60_000)
    expect(ids()).toEqual(['a'])
  })

  test('is published when something else is due for it: time-outs go on', async () => {
    const { put, run, now, ids, state } = open()
    state.paused.add('apns')
    const expired = { ...sendable(now), expiresAt: now }
    await put('a', { push: now }, { state: expired })
    await run(1_000)
    expect(ids()).toEqual(['a'])
  })

  test('hides nothing that comes after it', async () => {
    const { put, run, now, ids, state } = open()
    state.paused.add('apns')
    for (const id of named(1_500)) await put(id, { push: now - 1_000 }, { state: sendable(now) })
    await put('free', { push: now })
    await run(1_000)
    expect(ids()).toEqual(['free'])
  })
})
