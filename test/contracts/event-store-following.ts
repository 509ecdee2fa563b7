import { describe, expect, test } from 'vitest'
import type { LogPage, RecordedEvent } from '#ports/event-store.ts'
import type { OpenEventStore } from './event-store.ts'
import { eventually } from './eventually.ts'
import { follow, newEvents, newStream, readLog } from './log-samples.ts'

export const followingContract = (open: OpenEventStore): void => {
  describe('a subscription', () => {
    test('begins after a checkpoint', async () => {
      await using store = await open()
      const stream = newStream()
      await store.append(stream, newEvents(10), { expected: 'no-stream' })
      const events = await store.read(stream)
      const got = await follow(store, { after: events[3]?.position, limit: 4, count: 6 })
      expect(got.slice(0, 6)).toEqual(events.slice(4))
    })

    test('goes on from the checkpoint of each page', async () => {
      await using store = await open()
      const start = await store.head()
      const stream = newStream()
      await store.append(stream, newEvents(9), { expected: 'no-stream' })
      let checkpoint = start
      const got: RecordedEvent[] = []
      while (got.length < 9) {
        const stop = new AbortController()
        const after = checkpoint === undefined ? {} : { after: checkpoint }
        for await (const page of store.subscribe({ ...after, limit: 2, signal: stop.signal })) {
          got.push(...page.events)
          checkpoint = page.checkpoint
          break
        }
        stop.abort()
      }
      expect(got).toEqual(await readLog(store, start))
    })

    test('begins at the first event without a checkpoint', async () => {
      await using store = await open()
      await store.append(newStream(), newEvents(3), { expected: 'no-stream' })
      const [first] = (await store.readAll({ limit: 1 })).events
      expect((await follow(store, { limit: 2, count: 1 }))[0]).toEqual(first)
    })

    test('gives what is appended while it waits', async () => {
      await using store = await open()
      const after = await store.head()
      const stream = newStream()
      const got: string[] = []
      const stop = new AbortController()
      const from = after === undefined ? {} : { after }
      const done = (async () => {
        for await (const page of store.subscribe({ ...from, signal: stop.signal })) {
          got.push(...page.events.map(({ id }) => id))
          if (got.length === 5) stop.abort()
        }
      })()
      const ids: string[] = []
      for (let revision = -1; revision < 4; revision++) {
        const events = newEvents(1)
        ids.push(...events.map(({ id }) => id))
        await store.append(stream, events, { expected: revision === -1 ? 'no-stream' : revision })
        await eventually(() => got.length === ids.length)
      }
      await done
      expect(got).toEqual(ids)
    })

    test('ends when it is told to, also while it waits', async () => {
      await using store = await open()
      const after = await store.head()
      const from = after === undefined ? {} : { after }
      const pages: LogPage[] = []
      const stop = new AbortController()
      const done = (async () => {
        for await (const page of store.subscribe({ ...from, signal: stop.signal })) pages.push(page)
      })()
      await new Promise((resolve) => setImmediate(resolve))
      stop.abort()
      await done
      expect(pages).toEqual([])
      for await (const page of store.subscribe({ ...from, signal: stop.signal })) pages.push(page)
      expect(pages).toEqual([])
    })

    test('gives each event once and in order while many append', async () => {
      await using store = await open()
      const start = await store.head()
      const writers = 20
      const appends = 15
      const write = async (): Promise<void> => {
        const stream = newStream()
        let revision = -1
        for (let at = 0; at < appends; at++) {
          const expected = revision === -1 ? 'no-stream' : revision
          const appended = await store.append(stream, newEvents(1 + (at % 2)), { expected })
          revision = appended.revision
        }
      }
      const count = writers * (appends + Math.floor(appends / 2))
      const followers = [1, 7, 1_000].map((limit) => follow(store, { after: start, limit, count }))
      await Promise.all(Array.from({ length: writers }, write))
      const all = await readLog(store, start)
      expect(all).toHaveLength(count)
      for (const got of await Promise.all(followers)) expect(got).toEqual(all)
    })

    test('lets two of them run at their own pace', async () => {
      await using store = await open()
      const start = await store.head()
      await store.append(newStream(), newEvents(20), { expected: 'no-stream' })
      const slow = follow(store, { after: start, limit: 1, count: 40 })
      const fast = follow(store, { after: start, limit: 100, count: 40 })
      await store.append(newStream(), newEvents(20), { expected: 'no-stream' })
      expect(await slow).toEqual(await fast)
    })
  })
}
