import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventTooLarge, VersionConflict } from '#ports/errors.ts'
import type { EventStore, NewEvent } from '#ports/event-store.ts'
import { newEvent, newEvents, newStream } from '../../contracts/log-samples.ts'
import { openDouble } from '../../support/eventstoredb/double.ts'
import type { AppendFault } from '../../support/eventstoredb/faults.ts'
import { openLink } from '../../support/eventstoredb/link.ts'
import { openStore, recordingLog } from './open-store.ts'

const idsOf = (events: readonly NewEvent[]) => events.map(({ id }) => id)
const create = (store: EventStore, stream: string, events: readonly NewEvent[]) =>
  store.append(stream, events, { expected: 'no-stream' })

const lost: readonly (readonly [string, AppendFault])[] = [
  ['the request is lost', 'lost-request'],
  ['the reply is lost', 'no-reply'],
  ['the connection is cut before the commit', 'drop-before'],
  ['the connection is cut after the commit', 'drop-after'],
  ['the server is too busy', 'too-busy'],
]

describe.each(['classic', 'batch'] as const)('an append (%s)', (append) => {
  test.each(lost)('is written once when %s', async (_, kind) => {
    await using double = await openDouble()
    await using store = await openStore(double.url, { append })
    const [stream, events] = [newStream(), newEvents(2)]
    double.faults.arm({ kind, stream: 'notification-' })
    expect((await create(store, stream, events)).revision).toBe(1)
    expect(idsOf(await store.read(stream))).toEqual(idsOf(events))
    expect(double.faults.struck()).toEqual({ [kind]: 1 })
  })

  test('is written once when the reply comes after it was asked again, and so is the next', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url, { append })
    const stream = newStream()
    double.faults.arm({ kind: 'late-reply', ms: 1_600, stream: 'notification-' })
    await create(store, stream, newEvents(1))
    for (let revision = 0; revision < 3; revision++)
      await store.append(stream, newEvents(1), { expected: revision })
    // The late reply is in by now: it must have become nobody's error.
    await new Promise((resolve) => setTimeout(resolve, 800))
    await store.append(stream, newEvents(1), { expected: 3 })
    expect(await store.read(stream)).toHaveLength(5)
  })

  test('is given up in time, its fate unknown, when nothing is ever answered', async () => {
    await using double = await openDouble()
    const timing = {
      tryMs: 100,
      callMs: 900,
      retryMs: 50,
      retryMaxMs: 100,
      renewMs: 0,
      closeMs: 100,
    }
    await using opened = await openStore(double.url)
    const logId = opened.logId
    await using store = await openStore(double.url, { append, timing })
    double.faults.arm({ kind: 'no-reply', times: 1_000 })
    const [stream, events] = [newStream(), newEvents(1)]
    await expect(create(store, stream, events)).rejects.toMatchObject({
      name: 'Unavailable',
      code: 'eventstore/no-answer',
    })
    expect(double.faults.struck()['no-reply']).toBeGreaterThan(1)
    double.faults.clear()
    // The very same call, made again, finds what became of it.
    expect((await create(store, stream, events)).revision).toBe(0)
    expect(store.logId).toBe(logId)
  })

  test('is refused as denied at once when the server lets nobody in', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url, { append })
    double.faults.arm({ kind: 'access-denied', times: 100 })
    await expect(create(store, newStream(), newEvents(1))).rejects.toMatchObject({
      code: 'eventstore/access-denied',
    })
    expect(double.faults.struck()).toEqual({ 'access-denied': 1 })
  })

  test('finds the leader that another node names', async () => {
    await using leader = await openDouble()
    await using follower = await openDouble()
    follower.setLeader({ host: '127.0.0.1', port: leader.port })
    await using store = await openStore(follower.url, { append })
    const stream = newStream()
    await create(store, stream, newEvents(1))
    expect(await store.read(stream)).toHaveLength(1)
    expect(leader.log.events()).toBe(2)
    expect(follower.log.events()).toBe(0)
  })

  test('conflicts with a tombstone, and reading finds nothing', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url, { append })
    const stream = newStream()
    await create(store, stream, newEvents(2))
    double.log.remove(stream, 'tombstone', 'any')
    await expect(create(store, stream, newEvents(1))).rejects.toThrow(VersionConflict)
    expect(await store.read(stream)).toEqual([])
  })

  test('is refused before it is sent when all its events together are too large', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url, { append })
    const events = Array.from({ length: 3 }, () =>
      newEvent({ data: { text: 'x'.repeat(400_000) } }),
    )
    const before = double.counts.appends + double.counts.batchAppends
    await expect(create(store, newStream(), events)).rejects.toThrow(EventTooLarge)
    expect(double.counts.appends + double.counts.batchAppends).toBe(before)
  })

  test('has one winner of any number that race at one revision', async () => {
    await using double = await openDouble()
    await using first = await openStore(double.url, { append })
    // Batches are for one store in a process.
    await using second = await openStore(double.url)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ second: fc.boolean(), count: fc.integer({ min: 1, max: 4 }) }), {
          minLength: 2,
          maxLength: 30,
        }),
        fc.boolean(),
        async (writers, begun) => {
          const stream = newStream()
          if (begun) await create(first, stream, newEvents(2))
          const expected = begun ? 1 : 'no-stream'
          const calls = writers.map((each) => ({ ...each, events: newEvents(each.count) }))
          const settled = await Promise.allSettled(
            calls.map(({ events, ...call }) =>
              (call.second ? second : first).append(stream, events, { expected }),
            ),
          )
          const won = calls.filter((_, at) => settled[at]?.status === 'fulfilled')
          expect(won).toHaveLength(1)
          for (const each of settled)
            if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(VersionConflict)
          const read = await first.read(stream, { after: begun ? 1 : -1 })
          expect(idsOf(read)).toEqual(idsOf(won[0]?.events ?? []))
        },
      ),
      { numRuns: 15 },
    )
  })
})

test('a retry waits until the first write can be recognised', async () => {
  await using double = await openDouble()
  await using store = await openStore(double.url)
  double.setUnindexedMs(45)
  const stream = newStream()
  // Known at once to have failed: nothing but the pause keeps the retry back.
  double.faults.arm({ kind: 'drop-after' })
  await create(store, stream, newEvents(1))
  // Recognised at the first retry: one that came too early would have got no answer either.
  expect(double.counts.appends).toBe(3)
})

test('two processes that accept at once: the loser sees the conflict, whatever it waited for', async () => {
  await using double = await openDouble()
  await using one = await openStore(double.url)
  await using other = await openStore(double.url)
  const stream = newStream()
  double.faults.arm({ kind: 'no-reply' })
  const outcomes = await Promise.allSettled(
    [one, other].map((store) => create(store, stream, newEvents(1))),
  )
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(await one.read(stream)).toHaveLength(1)
})

test('no more than 90 appends are on their way at once, and all arrive', async () => {
  await using double = await openDouble()
  await using store = await openStore(double.url)
  const before = double.counts.appends
  double.faults.arm({ kind: 'late-reply', ms: 300, times: 90 })
  const appends = Array.from({ length: 250 }, () => create(store, newStream(), newEvents(1)))
  while (Object.keys(double.faults.struck()).length === 0 || double.log.events() < 91)
    await new Promise((resolve) => setImmediate(resolve))
  expect(double.counts.appends - before).toBe(90)
  expect(await Promise.all(appends)).toHaveLength(250)
})

test('the end of one server leaves the appends to another alone', async () => {
  await using double = await openDouble()
  await using batches = await openStore(double.url, { append: 'batch' })
  const other = await openDouble()
  const timing = { tryMs: 200, callMs: 400, closeMs: 10 }
  await using classic = await openStore(other.url, { timing })
  await other[Symbol.asyncDispose]()
  double.faults.arm({ kind: 'late-reply', ms: 100, times: 10 })
  const appends = Array.from({ length: 20 }, () => create(batches, newStream(), newEvents(1)))
  await expect(create(classic, newStream(), newEvents(1))).rejects.toMatchObject({
    code: 'eventstore/no-answer',
  })
  expect(await Promise.all(appends)).toHaveLength(20)
})

test('a second store in batches is refused in one process', async () => {
  await using double = await openDouble()
  await using _first = await openStore(double.url, { append: 'batch' })
  await expect(openStore(double.url, { append: 'batch' })).rejects.toMatchObject({
    code: 'eventstore/second-batch',
  })
})

test('a client that remembers a failure for ever is renewed', async () => {
  await using double = await openDouble()
  const log = recordingLog()
  double.faults.arm({ kind: 'features-internal' })
  await using store = await openStore(double.url, { append: 'batch', log })
  await create(store, newStream(), newEvents(1))
  expect(double.counts.featuresCalls).toBe(2)
  expect(log.lines.map(({ message }) => message)).toContain(
    'The client of the event store failed repeatedly and is renewed.',
  )
})

test('classic appends do not ask for the features at all', async () => {
  await using double = await openDouble()
  await using store = await openStore(double.url)
  await create(store, newStream(), newEvents(1))
  expect(double.counts).toMatchObject({ featuresCalls: 0, batchAppends: 0 })
})

test('a frozen link is waited for, and the append is written once', async () => {
  await using double = await openDouble()
  await using link = await openLink(double.port)
  await using store = await openStore(`kurrentdb://127.0.0.1:${link.port}?tls=false`)
  const [stream, events] = [newStream(), newEvents(1)]
  link.freeze()
  const appended = create(store, stream, events)
  await new Promise((resolve) => setTimeout(resolve, 1_300))
  link.thaw()
  expect((await appended).revision).toBe(0)
  expect(idsOf(await store.read(stream))).toEqual(idsOf(events))
})

test('a stream of a kind that no subscription looks for is refused', async () => {
  await using double = await openDouble()
  await using store = await openStore(double.url)
  await expect(create(store, 'orders-1', newEvents(1))).rejects.toThrow(RangeError)
  await expect(create(store, 'pabal-log', newEvents(1))).rejects.toThrow(RangeError)
  await create(store, 'pabal-marks', newEvents(1))
  expect((await store.readAll({ limit: 10 })).events).toHaveLength(1)
})

test('a text with half a character is refused, and in the data it comes back', async () => {
  await using double = await openDouble()
  await using store = await openStore(double.url)
  const odd = newEvent({ metadata: { ...newEvent().metadata, actor: 'key:\ud83d' } })
  await expect(create(store, newStream(), [odd])).rejects.toThrow(TypeError)
  const stream = newStream()
  await create(store, stream, [newEvent({ data: { text: '\ud83d' } })])
  expect((await store.read(stream))[0]?.data).toEqual({ text: '\ud83d' })
})
