import { describe, expect, test } from 'vitest'
import { createLru } from '#adapters/sqlite/lru.ts'
import { createRecentEvents } from '#adapters/sqlite/recent-events.ts'
import { createRecentStreams } from '#adapters/sqlite/recent-streams.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import { newEvent } from '../../contracts/log-samples.ts'

const recorded = (revision: number): RecordedEvent => ({
  ...newEvent(),
  stream: 'notification-1',
  revision,
  position: String(revision + 1),
})

describe('recently used entries', () => {
  test('are those used last, at least half as many as there may be', () => {
    const lru = createLru<number, number>({ entriesMax: 20, weightMax: 1_000 })
    for (let at = 0; at < 100; at++) {
      lru.set(at, at, 1)
      // Used all the time: it stays.
      expect(lru.get(0)).toBe(0)
    }
    const kept = Array.from({ length: 100 }, (_, at) => lru.get(at) === at)
    expect(kept.slice(91)).toEqual(Array.from({ length: 9 }, () => true))
    expect(kept.filter(Boolean).length).toBeLessThanOrEqual(20)
  })

  test('weigh no more than they may', () => {
    const lru = createLru<number, string>({ entriesMax: 1_000, weightMax: 100 })
    for (let at = 0; at < 50; at++) lru.set(at, 'x', 10)
    const kept = Array.from({ length: 50 }, (_, at) => lru.get(at)).filter(Boolean).length
    expect(kept).toBeLessThanOrEqual(10)
    expect(lru.get(49)).toBe('x')
    lru.set(49, 'y', 20)
    expect(lru.get(49)).toBe('y')
    lru.set(49, 'too heavy', 51)
    expect(lru.get(49)).toBeUndefined()
  })

  test('are gone once deleted', () => {
    const lru = createLru<number, string>({ entriesMax: 4, weightMax: 100 })
    for (const at of [1, 2, 3, 1]) lru.set(at, `${at}`, 1)
    lru.delete(1)
    expect(lru.get(1)).toBeUndefined()
    lru.clear()
    expect(lru.get(3)).toBeUndefined()
  })
})

describe('the newest events', () => {
  const revisions = (events: readonly RecordedEvent[] | undefined) =>
    events?.map(({ revision }) => revision)

  test('are as many as they may be', () => {
    const recent = createRecentEvents({ entriesMax: 4, bytesMax: 1_000 })
    expect(recent.after(0, 10)).toBeUndefined()
    for (let at = 0; at < 10; at++) recent.add(recorded(at), at + 1, 1)
    expect(recent.after(5, 10)).toBeUndefined()
    expect(revisions(recent.after(6, 10))).toEqual([6, 7, 8, 9])
    expect(revisions(recent.after(7, 2))).toEqual([7, 8])
    expect(recent.after(10, 10)).toEqual([])
    expect(recent.after(11, 10)).toBeUndefined()
  })

  test('weigh no more than they may', () => {
    const recent = createRecentEvents({ entriesMax: 100, bytesMax: 10 })
    for (let at = 0; at < 5; at++) recent.add(recorded(at), at + 1, 4)
    expect(recent.after(2, 10)).toBeUndefined()
    expect(revisions(recent.after(3, 10))).toEqual([3, 4])
    recent.add(recorded(5), 6, 50)
    expect(revisions(recent.after(5, 10))).toEqual([5])
    recent.clear()
    recent.add(recorded(90), 91, 1)
    expect(revisions(recent.after(90, 10))).toEqual([90])
    expect(recent.after(89, 10)).toBeUndefined()
  })
})

describe('recent streams', () => {
  const events = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => recorded(from + at))

  test('are known from their first event or not at all', () => {
    const recent = createRecentStreams({ headsMax: 10, streamsMax: 10, eventsMax: 600 })
    recent.extend('late', events(3, 2), 2)
    expect(recent.read('late', -1)).toBeUndefined()
    recent.extend('a', events(0, 2), 2)
    recent.extend('a', events(2, 1), 1)
    expect(recent.read('a', -1)).toHaveLength(3)
    expect(recent.read('a', 1)?.map(({ revision }) => revision)).toEqual([2])
  })

  test('are neither long nor heavy', () => {
    const recent = createRecentStreams({ headsMax: 10, streamsMax: 10, eventsMax: 600 })
    recent.extend('long', events(0, 200), 200)
    recent.extend('long', events(200, 100), 100)
    expect(recent.read('long', -1)).toBeUndefined()
    recent.extend('heavy', events(0, 1), 700_000)
    expect(recent.read('heavy', -1)).toBeUndefined()
    const names = Array.from({ length: 20 }, (_, at) => `stream-${at}`)
    for (const name of names) recent.extend(name, events(0, 100), 100)
    const kept = names.filter((name) => recent.read(name, -1) !== undefined)
    expect(kept.length).toBeLessThanOrEqual(6)
    expect(kept.at(-1)).toBe('stream-19')
  })
})
