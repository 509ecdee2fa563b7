import { describe, expect, test } from 'vitest'
import { appendEventsMax, eventBytesMax } from '#ports/append-rules.ts'
import { EventTooLarge } from '#ports/errors.ts'
import type { NewEvent } from '#ports/event-store.ts'
import type { OpenEventStore } from './event-store.ts'
import { fullEvent, newEvent, newEvents, newStream, readLog } from './log-samples.ts'

const withData = (data: unknown): NewEvent => newEvent({ data: data as NewEvent['data'] })

const cyclic = (): NewEvent => {
  const data: Record<string, unknown> = {}
  data.self = data
  return withData(data)
}

const refused: readonly [string, () => NewEvent][] = [
  ['a BigInt', () => withData({ count: 1n })],
  ['a cycle', cyclic],
  ['a list as its data', () => withData([1])],
  ['no data', () => withData(undefined)],
  ['an id that is no UUID', () => newEvent({ id: 'one' })],
  [
    'a time without milliseconds',
    () => newEvent({ metadata: { ...newEvent().metadata, at: '2026-01-01T00:00:00Z' } }),
  ],
]

export const appendingContract = (open: OpenEventStore): void => {
  describe('an append', () => {
    test('answers the last revision and its position', async () => {
      await using store = await open()
      const stream = newStream()
      const first = await store.append(stream, newEvents(2), { expected: 'no-stream' })
      const second = await store.append(stream, newEvents(3), { expected: 1 })
      expect([first.revision, second.revision]).toEqual([1, 4])
      const events = await store.read(stream)
      expect(store.comparePositions(first.position, events[1]?.position ?? '')).toBe(0)
      expect(store.comparePositions(second.position, events[4]?.position ?? '')).toBe(0)
      expect(store.comparePositions(first.position, second.position)).toBeLessThan(0)
    })

    test('gives the events of many calls revisions without gaps', async () => {
      await using store = await open()
      const stream = newStream()
      await store.append(stream, newEvents(1), { expected: 'no-stream' })
      for (let revision = 0; revision < 20; revision++)
        await store.append(stream, newEvents(1), { expected: revision })
      const revisions = (await store.read(stream)).map((event) => event.revision)
      expect(revisions).toEqual(Array.from({ length: 21 }, (_, at) => at))
    })

    test('writes all its events or none', async () => {
      await using store = await open()
      const stream = newStream()
      const start = await store.head()
      const append = store.append(stream, [newEvent(), withData({ count: 1n }), newEvent()], {
        expected: 'no-stream',
      })
      await expect(append).rejects.toThrow()
      expect(await store.read(stream)).toEqual([])
      expect((await readLog(store, start)).filter((event) => event.stream === stream)).toEqual([])
      const again = await store.append(stream, newEvents(2), { expected: 'no-stream' })
      expect(again.revision).toBe(1)
    })

    test('takes as many events as it says and no more', async () => {
      await using store = await open()
      const stream = newStream()
      const append = (count: number) =>
        store.append(stream, newEvents(count), { expected: 'no-stream' })
      await expect(append(0)).rejects.toThrow(RangeError)
      await expect(append(appendEventsMax + 1)).rejects.toThrow(RangeError)
      expect((await append(appendEventsMax)).revision).toBe(appendEventsMax - 1)
      expect(await store.read(stream)).toHaveLength(appendEventsMax)
    })

    test('takes large events and refuses larger ones', async () => {
      await using store = await open()
      const stream = newStream()
      const append = (event: NewEvent) => store.append(stream, [event], { expected: 'no-stream' })
      await expect(append(withData({ text: 'x'.repeat(eventBytesMax) }))).rejects.toThrow(
        EventTooLarge,
      )
      // Three bytes each in UTF-8: counted in bytes, not in characters.
      await expect(append(withData({ text: '하'.repeat(400_000) }))).rejects.toThrow(EventTooLarge)
      const personal = { text: 'x'.repeat(600_000) }
      await expect(
        append(newEvent({ data: { text: 'x'.repeat(600_000) }, personal })),
      ).rejects.toThrow(EventTooLarge)
      const text = '하'.repeat(300_000)
      await append(withData({ text }))
      expect((await store.read(stream))[0]?.data).toEqual({ text })
    })

    test.each(refused)('refuses %s and harms no other', async (_, event) => {
      await using store = await open()
      const [before, after, broken] = [newStream(), newStream(), newStream()]
      const [first, bad, last] = await Promise.allSettled([
        store.append(before, [newEvent()], { expected: 'no-stream' }),
        store.append(broken, [event()], { expected: 'no-stream' }),
        store.append(after, [newEvent()], { expected: 'no-stream' }),
      ])
      expect([first?.status, bad?.status, last?.status]).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
      ])
      expect(await store.read(broken)).toEqual([])
    })
  })

  describe('what was appended', () => {
    test('is read back as it was', async () => {
      await using store = await open()
      const stream = newStream()
      const [full, plain] = [fullEvent(), newEvent()]
      await store.append(stream, [full, plain], { expected: 'no-stream' })
      const [first, second] = await store.read(stream)
      expect(first).toStrictEqual({ ...full, stream, revision: 0, position: first?.position })
      expect(second).toStrictEqual({ ...plain, stream, revision: 1, position: second?.position })
    })

    test('has the form of JSON, whatever form it came in', async () => {
      await using store = await open()
      const stream = newStream()
      const odd = {
        absent: undefined,
        list: [undefined, Number.NaN],
        date: new Date(0),
        zero: -0,
        null: null,
        instance: new URL('https://example.org/'),
      }
      const event = { ...withData(odd), personal: undefined } as unknown as NewEvent
      await store.append(stream, [event], { expected: 'no-stream' })
      const [read] = await store.read(stream)
      expect(read?.data).toStrictEqual(JSON.parse(JSON.stringify(odd)))
      expect(read !== undefined && 'personal' in read).toBe(false)
    })

    test('keeps texts of all scripts', async () => {
      await using store = await open()
      const stream = newStream()
      const data = {
        texts: ['하림 ✉️ 👩‍👩‍👧', 'e\u0301', '\u0000\u001f\u2028', '"\\', '\u{10ffff}', 'שלום', ''],
        '키 🔑': 1,
      }
      await store.append(stream, [newEvent({ data, personal: data })], { expected: 'no-stream' })
      const [read] = await store.read(stream)
      expect(read).toMatchObject({ data, personal: data })
    })

    test('keeps a key named __proto__ and pollutes nothing', async () => {
      await using store = await open()
      const stream = newStream()
      const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'
      await store.append(stream, [withData(JSON.parse(text))], { expected: 'no-stream' })
      const [read] = await store.read(stream)
      expect(JSON.stringify(read?.data)).toBe(text)
      expect('polluted' in {}).toBe(false)
    })
  })
}
