import { describe, expect, test } from 'vitest'
import { VersionConflict } from '#ports/errors.ts'
import type { EventStoreDifferences, OpenEventStore } from './event-store.ts'
import { newEvent, newEvents, newStream } from './log-samples.ts'

/** Retries and races: one call, one result; two calls at one revision, one winner. */
export const conflictContract = (
  open: OpenEventStore,
  { unordered = false }: EventStoreDifferences,
): void => {
  describe('a call that is retried', () => {
    test('gets the first result and writes nothing', async () => {
      await using store = await open()
      const stream = newStream()
      const append = () => store.append(stream, events, { expected: 'no-stream' })
      const events = newEvents(3)
      const first = await append()
      expect(await append()).toEqual(first)
      expect(await store.read(stream)).toHaveLength(3)
    })

    test('gets the first result after others appended', async () => {
      await using store = await open()
      const stream = newStream()
      const second = [newEvent()]
      await store.append(stream, newEvents(2), { expected: 'no-stream' })
      const first = await store.append(stream, second, { expected: 1 })
      await store.append(stream, newEvents(2), { expected: 2 })
      expect(await store.append(stream, second, { expected: 1 })).toEqual(first)
      expect(await store.read(stream)).toHaveLength(5)
    })

    test('gets the first result while the first call is still on its way', async () => {
      await using store = await open()
      const stream = newStream()
      const events = newEvents(2)
      const append = () => store.append(stream, events, { expected: 'no-stream' })
      const [first, second] = await Promise.all([append(), append()])
      expect(second).toEqual(first)
      expect(await store.read(stream)).toHaveLength(2)
    })

    test('conflicts when only a part of it is there', async () => {
      await using store = await open()
      const stream = newStream()
      const [one, two, three] = [newEvent(), newEvent(), newEvent()]
      await store.append(stream, [one, two], { expected: 'no-stream' })
      const longer = store.append(stream, [one, two, three], { expected: 'no-stream' })
      await expect(longer).rejects.toThrow(VersionConflict)
      const changed = store.append(stream, [one, three], { expected: 'no-stream' })
      await expect(changed).rejects.toThrow(VersionConflict)
      expect(await store.read(stream)).toHaveLength(2)
    })

    test('conflicts when the events are there at other revisions', async () => {
      await using store = await open()
      const stream = newStream()
      const [one, two] = [newEvent(), newEvent()]
      await store.append(stream, [one, two], { expected: 'no-stream' })
      await store.append(stream, [newEvent()], { expected: 1 })
      const shifted = store.append(stream, [two], { expected: 'no-stream' })
      await expect(shifted).rejects.toThrow(VersionConflict)
    })
  })

  describe('a call at a revision that is gone', () => {
    test('conflicts on a stream that exists already', async () => {
      await using store = await open()
      const stream = newStream()
      const append = () => store.append(stream, [newEvent()], { expected: 'no-stream' })
      await append()
      await expect(append()).rejects.toThrow(VersionConflict)
    })

    test('names the stream', async () => {
      await using store = await open()
      const stream = newStream()
      const missing = store.append(stream, [newEvent()], { expected: 0 })
      await expect(missing).rejects.toMatchObject({ name: 'VersionConflict', stream })
    })

    test.each([0, 1, 5])('conflicts when the stream stands at 2 and %i is expected', async (at) => {
      await using store = await open()
      const stream = newStream()
      await store.append(stream, newEvents(3), { expected: 'no-stream' })
      const append = store.append(stream, [newEvent()], { expected: at })
      await expect(append).rejects.toThrow(VersionConflict)
      expect(await store.read(stream)).toHaveLength(3)
    })

    test('conflicts with another call of the same moment', async () => {
      await using store = await open()
      const stream = newStream()
      const [first, next, late] = await Promise.allSettled([
        store.append(stream, [newEvent()], { expected: 'no-stream' }),
        store.append(stream, [newEvent()], { expected: 0 }),
        store.append(stream, [newEvent()], { expected: 'no-stream' }),
      ])
      const [winner, loser] = first.status === 'fulfilled' ? [first, late] : [late, first]
      if (!unordered) expect(winner).toBe(first)
      expect(winner).toMatchObject({ status: 'fulfilled', value: { revision: 0 } })
      expect(loser).toMatchObject({ status: 'rejected', reason: { name: 'VersionConflict' } })
      // Sent before the first was answered: whichever way it went, it left no gap.
      const lost = next.status === 'rejected'
      if (lost) expect(next.reason).toBeInstanceOf(VersionConflict)
      expect(await store.read(stream)).toHaveLength(lost ? 1 : 2)
    })

    test('leaves one winner of twenty at an existing revision', async () => {
      await using store = await open()
      const stream = newStream()
      await store.append(stream, newEvents(2), { expected: 'no-stream' })
      const calls = Array.from({ length: 20 }, () => newEvents(2))
      const settled = await Promise.allSettled(
        calls.map((events) => store.append(stream, events, { expected: 1 })),
      )
      const won = calls.filter((_, at) => settled[at]?.status === 'fulfilled')
      expect(won).toHaveLength(1)
      for (const one of settled)
        if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(VersionConflict)
      const ids = (await store.read(stream, { after: 1 })).map(({ id }) => id)
      expect(ids).toEqual(won[0]?.map(({ id }) => id))
    })

    test('leaves one winner of twenty that create a stream', async () => {
      await using store = await open()
      const stream = newStream()
      const settled = await Promise.allSettled(
        Array.from({ length: 20 }, () =>
          store.append(stream, [newEvent()], { expected: 'no-stream' }),
        ),
      )
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await store.read(stream)).toHaveLength(1)
    })
  })
}
