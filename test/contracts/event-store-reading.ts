import { describe, expect, test } from 'vitest'
import type { EventStoreDifferences, OpenEventStore } from './event-store.ts'
import { newEvents, newStream, readLog } from './log-samples.ts'

export const readingContract = (
  open: OpenEventStore,
  { shared = false }: EventStoreDifferences,
): void => {
  describe('reading a stream', () => {
    test('gives nothing for one that is not there', async () => {
      await using store = await open()
      const stream = newStream()
      expect(await store.read(stream)).toEqual([])
      expect(await store.read(stream, { after: 3 })).toEqual([])
      await store.append(stream, newEvents(1), { expected: 'no-stream' })
      expect(await store.read(stream)).toHaveLength(1)
    })

    test('gives what lies after a revision', async () => {
      await using store = await open()
      const stream = newStream()
      await store.append(stream, newEvents(5), { expected: 'no-stream' })
      for (const after of [-1, 0, 3, 4, 9]) {
        const revisions = (await store.read(stream, { after })).map((event) => event.revision)
        expect(revisions).toEqual([0, 1, 2, 3, 4].filter((revision) => revision > after))
      }
    })

    test('gives what was appended before it was asked', async () => {
      await using store = await open()
      const stream = newStream()
      await store.append(stream, newEvents(1), { expected: 'no-stream' })
      for (let revision = 0; revision < 30; revision++) {
        await store.append(stream, newEvents(1), { expected: revision })
        expect(await store.read(stream, { after: revision })).toHaveLength(1)
      }
    })

    test('gives long streams whole', async () => {
      await using store = await open()
      const stream = newStream()
      await store.append(stream, newEvents(700), { expected: 'no-stream' })
      await store.append(stream, newEvents(700), { expected: 699 })
      const revisions = (await store.read(stream)).map((event) => event.revision)
      expect(revisions).toEqual(Array.from({ length: 1400 }, (_, at) => at))
    })
  })

  describe('reading the log', () => {
    if (!shared)
      test('finds an empty one empty', async () => {
        await using store = await open()
        expect(await store.head()).toBeUndefined()
        const page = await store.readAll({ limit: 10 })
        expect(page).toMatchObject({ events: [], atHead: true })
        await store.append(newStream(), newEvents(2), { expected: 'no-stream' })
        expect((await store.readAll({ after: page.checkpoint, limit: 10 })).events).toHaveLength(2)
      })

    test('gives the events in the order of their appends', async () => {
      await using store = await open()
      const start = await store.head()
      const [one, two] = [newStream(), newStream()]
      await store.append(one, newEvents(2), { expected: 'no-stream' })
      await store.append(two, newEvents(2), { expected: 'no-stream' })
      await store.append(one, newEvents(1), { expected: 1 })
      const events = (await readLog(store, start)).filter(({ stream }) =>
        [one, two].includes(stream),
      )
      expect(events.map(({ stream, revision }) => [stream, revision])).toEqual([
        [one, 0],
        [one, 1],
        [two, 0],
        [two, 1],
        [one, 2],
      ])
      expect(events.filter(({ stream }) => stream === one)).toEqual(await store.read(one))
    })

    test('goes on after any position, with pages of any size', async () => {
      await using store = await open()
      const start = await store.head()
      for (let count = 1; count <= 8; count++)
        await store.append(newStream(), newEvents(count), { expected: 'no-stream' })
      const all = await readLog(store, start)
      expect(all.length).toBeGreaterThanOrEqual(36)
      for (const [at, { position }] of all.entries())
        expect(await readLog(store, position, 7)).toEqual(all.slice(at + 1))
      for (const limit of [1, 2, 35, 36, 37])
        expect(await readLog(store, start, limit)).toEqual(all)
    })

    test('orders positions as the events', async () => {
      await using store = await open()
      const start = await store.head()
      for (let count = 0; count < 12; count++)
        await store.append(newStream(), newEvents(1), { expected: 'no-stream' })
      const positions = (await readLog(store, start)).map(({ position }) => position)
      const shuffled = positions.toSorted()
      expect(shuffled.toSorted(store.comparePositions)).toEqual(positions)
      expect(await store.head()).toBe(positions.at(-1))
      for (const position of positions) expect(store.comparePositions(position, position)).toBe(0)
    })

    test('says when a page reaches the head', async () => {
      await using store = await open()
      const start = await store.head()
      await store.append(newStream(), newEvents(4), { expected: 'no-stream' })
      const after = start === undefined ? {} : { after: start }
      expect((await store.readAll({ ...after, limit: 3 })).atHead).toBe(false)
      const rest = await store.readAll({ ...after, limit: 100 })
      expect(rest.atHead).toBe(true)
      const none = await store.readAll({ after: rest.checkpoint, limit: 100 })
      expect(none).toMatchObject({ events: [], checkpoint: rest.checkpoint, atHead: true })
    })

    test.each([0, -1, 1.5, 10_001])('refuses pages of %d', async (limit) => {
      await using store = await open()
      await expect(store.readAll({ limit })).rejects.toThrow(RangeError)
    })
  })

  test('its id names the log', async () => {
    await using store = await open()
    expect(store.logId).toMatch(/^[0-9a-f-]{36}$/)
  })
}
