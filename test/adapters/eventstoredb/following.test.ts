import { describe, expect, test } from 'vitest'
import type { EventStore, LogPage } from '#ports/event-store.ts'
import { eventually } from '../../contracts/eventually.ts'
import { follow, newEvent, newEvents, newStream } from '../../contracts/log-samples.ts'
import { type EventStoreDouble, openDouble } from '../../support/eventstoredb/double.ts'
import type { Fault } from '../../support/eventstoredb/faults.ts'
import { openLink } from '../../support/eventstoredb/link.ts'
import { openStore, recordingLog } from './open-store.ts'

const fill = async (store: EventStore, streams: number, events = 1): Promise<readonly string[]> => {
  const ids: string[] = []
  for (let at = 0; at < streams; at++) {
    const made = newEvents(events)
    await store.append(newStream(), made, { expected: 'no-stream' })
    ids.push(...made.map(({ id }) => id))
  }
  return ids
}

/** What other programs on the same server write. */
const disturb = (double: EventStoreDouble, count: number, stream = '$stats-0'): void => {
  for (let at = 0; at < count; at++)
    double.log.append({
      stream,
      expected: 'any',
      events: [
        {
          id: crypto.randomUUID(),
          type: 'stats',
          contentType: 'application/json',
          data: Buffer.from('{}'),
          metadata: new Uint8Array(),
        },
      ],
    })
}

const idsOf = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id)

const broken: readonly (readonly [string, Fault])[] = [
  ['ends cleanly', { kind: 'end-stream', after: 3, times: 3 }],
  ['is ended for a consumer that is too slow', { kind: 'abort-stream', after: 3, times: 3 }],
  ['loses its connection', { kind: 'drop-stream', after: 3, times: 3 }],
  ['is refused', { kind: 'read-unavailable', times: 3 }],
  ['is refused by a user that is not let in', { kind: 'read-access-denied', times: 2 }],
  ['repeats events, and goes back', { kind: 'duplicates' }],
  ['sends checkpoints ahead of whoever reads', { kind: 'checkpoints' }],
  ['is slow', { kind: 'slow-stream', ms: 2 }],
]

describe('a subscription', () => {
  test.each(broken)('gives each event once and in order when it %s', async (_, fault) => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    const before = await fill(store, 25)
    double.faults.arm(fault)
    const following = follow(store, { limit: 4, count: 40 })
    await eventually(() => Object.keys(double.faults.struck()).length > 0)
    const after = await fill(store, 15)
    expect(idsOf(await following)).toEqual([...before, ...after])
  })

  test('goes on from its own checkpoint after any crash, and loses nothing', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    const ids = await fill(store, 30)
    disturb(double, 50)
    const effects: string[] = []
    let saved: string | undefined
    for (let crash = 0; effects.at(-1) !== ids.at(-1); crash++) {
      double.faults.arm({ kind: 'checkpoints' })
      const stop = new AbortController()
      const from = saved === undefined ? {} : { after: saved }
      let handled = 0
      for await (const page of store.subscribe({ ...from, limit: 3, signal: stop.signal })) {
        // Killed before, amid or after the handling of a page, but before its checkpoint was kept.
        const upTo = handled++ < crash % 4 ? page.events.length : crash % 3
        const done = page.events.slice(0, upTo)
        effects.push(...idsOf(done).filter((id) => !effects.includes(id)))
        if (done.length < page.events.length) break
        saved = page.checkpoint
        if (effects.at(-1) === ids.at(-1)) break
      }
      stop.abort()
    }
    expect(effects).toEqual(ids)
  })

  test('has checkpoints that are places of events, whatever others write', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    const stop = new AbortController()
    const pages: LogPage[] = []
    const done = (async () => {
      for await (const page of store.subscribe({ signal: stop.signal })) pages.push(page)
    })()
    await fill(store, 3)
    disturb(double, 3_000)
    await fill(store, 2)
    disturb(double, 1_500, 'orders-1')
    await eventually(() => pages.flatMap(({ events }) => events).length === 5)
    stop.abort()
    await done
    for (const { events, checkpoint } of pages) expect(checkpoint).toBe(events.at(-1)?.position)
    // Nothing is pending, whatever stands behind it: no lag that is none.
    expect(await store.head()).toBe(pages.at(-1)?.checkpoint)
    expect(pages.at(-1)?.atHead).toBe(true)
  })

  test('knows the head from the log when the server does not say that it is reached', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    await fill(store, 5)
    disturb(double, 10)
    double.faults.arm({ kind: 'no-caught-up' })
    const stop = new AbortController()
    const ends: boolean[] = []
    for await (const { atHead, events } of store.subscribe({ limit: 2, signal: stop.signal })) {
      ends.push(atHead)
      if (events.length < 2) stop.abort()
    }
    expect(ends).toEqual([false, false, true])
  })

  test('that stands still while the log goes on is told of and opened anew', async () => {
    await using double = await openDouble()
    const log = recordingLog()
    await using store = await openStore(double.url, { log })
    double.faults.arm({ kind: 'mute' })
    const ids = await fill(store, 3)
    expect(idsOf(await follow(store, { count: 3 }))).toEqual(ids)
    expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'A subscription does not advance though the log does; it is opened anew.' },
    ])
  })

  test('that is quiet because nothing happens is left alone', async () => {
    await using double = await openDouble()
    const log = recordingLog()
    await using store = await openStore(double.url, { log, timing: { quietMs: 5, graceMs: 5 } })
    await fill(store, 2)
    disturb(double, 100)
    const reads = double.counts.reads
    const stop = new AbortController()
    const done = (async () => {
      for await (const _ of store.subscribe({ signal: stop.signal }));
    })()
    // Each of them is a look at the head.
    await eventually(() => double.counts.reads > reads + 20)
    expect(double.counts.subscriptions).toBe(1)
    stop.abort()
    await done
    expect(log.lines).toEqual([])
  })

  test('leaves no call at the server, however it is left', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    await fill(store, 5)
    const stop = new AbortController()
    for await (const _ of store.subscribe({ limit: 1, signal: stop.signal })) break
    await eventually(() => double.counts.subscriptions === 0)
    for await (const _ of store.subscribe({ limit: 1, signal: stop.signal })) stop.abort()
    await eventually(() => double.counts.subscriptions === 0)
    const thrown = async (): Promise<void> => {
      for await (const _ of store.subscribe({ signal: new AbortController().signal }))
        throw new Error('The handler failed.')
    }
    await expect(thrown()).rejects.toThrow('The handler failed.')
    await eventually(() => double.counts.subscriptions === 0)
  })

  test('makes the server wait while its consumer stands still', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    const text = 'x'.repeat(10_000)
    for (let at = 0; at < 100; at++)
      await store.append(
        newStream(),
        Array.from({ length: 50 }, () => newEvent({ data: { text } })),
        { expected: 'no-stream' },
      )
    const stop = new AbortController()
    const pages = store.subscribe({ limit: 1, signal: stop.signal })[Symbol.asyncIterator]()
    await pages.next()
    // Until the server has stopped sending.
    for (let before = -1; before !== double.counts.sent; ) {
      before = double.counts.sent
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(double.counts.sent).toBeLessThan(3_000)
    let count = 1
    for (; count < 5_000; count++) await pages.next()
    stop.abort()
    expect((await pages.next()).done).toBe(true)
  })

  test('comes back after a frozen link', async () => {
    await using double = await openDouble()
    await using link = await openLink(double.port)
    await using writer = await openStore(double.url)
    const timing = { quietMs: 100, graceMs: 100, tryMs: 200, resubscribeMs: 5 }
    await using store = await openStore(`esdb://127.0.0.1:${link.port}?tls=false`, { timing })
    const first = await fill(writer, 3)
    const got: string[] = []
    const stop = new AbortController()
    const done = (async () => {
      for await (const { events } of store.subscribe({ signal: stop.signal }))
        got.push(...idsOf(events))
    })()
    await eventually(() => got.length === 3)
    link.freeze()
    const second = await fill(writer, 3)
    await new Promise((resolve) => setTimeout(resolve, 300))
    link.thaw()
    await eventually(() => got.length === 6)
    stop.abort()
    await done
    expect(got).toEqual([...first, ...second])
  })

  test('throws when the store is closed under it', async () => {
    await using double = await openDouble()
    const store = await openStore(double.url)
    const { signal } = new AbortController()
    const ended = (async () => {
      for await (const _ of store.subscribe({ signal }));
    })()
    await eventually(() => double.counts.subscriptions === 1)
    const refused = expect(ended).rejects.toMatchObject({ code: 'store/closed' })
    await store[Symbol.asyncDispose]()
    await refused
    await eventually(() => double.counts.subscriptions === 0)
  })
})
