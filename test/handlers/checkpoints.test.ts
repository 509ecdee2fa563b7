import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { CheckpointMoved, createCheckpoints } from '#handlers/checkpoints.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { openTenure } from '../support/tenure.ts'

const random = createSeededRandom()
const collection = { name: 'checkpoints', version: 1, indexes: [] }
const metadata = {
  at: '2026-01-01T00:00:00.000Z',
  app: 'shop',
  actor: 'key:test',
  correlationId: 'c1',
}

const fill = async (events: EventStore, count: number) => {
  const news = Array.from({ length: count }, () => ({
    ...{ id: random.uuid(), type: 'Added', schemaVersion: 1, metadata, data: {} },
  }))
  await events.append('notes-1', news, { expected: 'no-stream' })
  return (await events.readAll({ limit: 100 })).events
}

const open = (
  events: EventStore = createMemoryEventStore(),
  documents = createMemoryDocumentStore(),
) => {
  const lines: string[] = []
  const note = (message: string) => void lines.push(message)
  const log = { debug: note, info: note, warn: note, error: note }
  const checkpoints = createCheckpoints({ events, documents, log })
  const claim = (tenure = openTenure()) => checkpoints.claim('relay', tenure)
  return { events, documents, lines, checkpoints, claim }
}

const placeOf = (event: RecordedEvent | undefined, before?: RecordedEvent) => ({
  position: event!.position,
  eventId: event!.id,
  ...(before && { before: before.position }),
})

describe('a checkpoint', () => {
  test('is absent until it is saved, and then found by the next process', async () => {
    const { events, documents, checkpoints, claim } = open()
    const [first, second] = await fill(events, 3)
    const held = await claim()
    expect(held.start).toBeUndefined()
    expect(await checkpoints.load('relay')).toBeUndefined()
    await held.save(placeOf(second, first))
    const next = open(events, documents)
    expect((await next.claim()).start).toMatchObject(placeOf(second, first))
    expect(await next.checkpoints.load('other')).toBeUndefined()
    expect([...(await next.checkpoints.peek(['relay', 'other'])).keys()]).toEqual(['relay'])
  })

  test('keeps what is known of the times before it, and what is missing, for all who look', async () => {
    const { events, documents, claim } = open()
    const [first, second] = await fill(events, 3)
    const more = { at: 5, newestAt: 9, history: { until: first!.position } }
    await (await claim()).save({ ...placeOf(second, first), ...more })
    const next = open(events, documents)
    expect((await next.checkpoints.peek(['relay'])).get('relay')).toMatchObject(more)
    expect((await next.claim()).start).toMatchObject(more)
  })

  test('is found behind pages in which nothing is ours', async () => {
    const { events, documents, claim } = open()
    const [first, second] = await fill(events, 2)
    await (await claim()).save(placeOf(second, first))
    // As EventStoreDB answers after many events of others.
    let empty = 3
    const readAll: EventStore['readAll'] = async (options) => {
      if (empty === 0) return events.readAll(options)
      empty -= 1
      return { events: [], checkpoint: options.after!, atHead: false }
    }
    const other = open({ ...events, readAll }, documents)
    expect(await other.checkpoints.load('relay')).toMatchObject(placeOf(second, first))
  })

  test('of the very first event needs no place before it', async () => {
    const { events, checkpoints, claim } = open()
    const [first] = await fill(events, 1)
    await (await claim()).save(placeOf(first))
    expect(await checkpoints.load('relay')).toMatchObject({ position: first!.position })
  })

  test('of another log is not used, and can be replaced', async () => {
    const { events, documents, claim } = open()
    const [first] = await fill(events, 1)
    await (await claim()).save(placeOf(first))
    const other = open(createMemoryEventStore(), documents)
    const [own] = await fill(other.events, 1)
    expect([...(await other.checkpoints.peek(['relay'])).keys()]).toEqual([])
    const held = await other.claim()
    expect(held.start).toBeUndefined()
    expect(other.lines).toEqual(['A checkpoint does not fit this log and is not used.'])
    await held.save(placeOf(own))
    expect(await other.checkpoints.load('relay')).toMatchObject({ eventId: own!.id })
  })

  test('of a log that lost its end is not used', async () => {
    const { events, documents, claim } = open()
    const all = await fill(events, 3)
    const [, second, third] = all
    await (await claim()).save(placeOf(third, second))
    const shorter = createMemoryEventStore()
    await shorter.append('notes-1', all.slice(0, 2), { expected: 'no-stream' })
    const restored = open({ ...shorter, logId: events.logId }, documents)
    expect(await restored.checkpoints.load('relay')).toBeUndefined()
  })

  test('of a log that went another way is not used', async () => {
    const { events, documents, claim } = open()
    const [first, second] = await fill(events, 2)
    await (await claim()).save(placeOf(second, first))
    const other = createMemoryEventStore()
    await fill(other, 5)
    const restored = open({ ...other, logId: events.logId }, documents)
    expect(await restored.checkpoints.load('relay')).toBeUndefined()
  })

  test('can be removed, also when there is none', async () => {
    const { events, checkpoints, claim } = open()
    const [first] = await fill(events, 1)
    await checkpoints.remove('relay')
    await (await claim()).save(placeOf(first))
    await checkpoints.remove('relay')
    expect(await checkpoints.load('relay')).toBeUndefined()
    await (await claim()).save(placeOf(first))
  })

  test('that cannot be written holds up nobody who can do without', async () => {
    const store = createMemoryDocumentStore()
    let refuses = false
    const refusing = {
      ...store,
      write: (...args: Parameters<typeof store.write>) =>
        refuses ? Promise.reject(new Unavailable('store/busy', 'Not now.')) : store.write(...args),
    }
    const { events, claim, lines } = open(undefined, refusing)
    const [first] = await fill(events, 1)
    const held = await claim()
    refuses = true
    await expect(held.save(placeOf(first))).rejects.toThrow(Unavailable)
    await held.trySave(placeOf(first))
    expect(lines).toEqual(['A checkpoint could not be written; its follower goes on.'])
  })
})

describe('a claimed checkpoint', () => {
  test('can be moved again and again, by nobody else', async () => {
    const { events, documents, claim, checkpoints } = open()
    const [first, second, third] = await fill(events, 3)
    const old = await claim()
    await old.save(placeOf(first))
    const held = await open(events, documents).claim()
    expect(held.start).toMatchObject(placeOf(first))
    await expect(old.save(placeOf(third, second))).rejects.toThrow(CheckpointMoved)
    await held.save(placeOf(second, first))
    await held.save(placeOf(third, second))
    await expect(old.trySave(placeOf(first))).rejects.toThrow(CheckpointMoved)
    expect(await checkpoints.load('relay')).toMatchObject(placeOf(third, second))
  })

  test('that was never moved cannot be made by who had claimed it before', async () => {
    const { events, documents, claim, checkpoints } = open()
    const [first] = await fill(events, 1)
    const old = await claim()
    await open(events, documents).claim()
    await expect(old.save(placeOf(first))).rejects.toThrow(CheckpointMoved)
    expect(await checkpoints.load('relay')).toBeUndefined()
  })

  test('of a store that was dropped is not moved in the new one, however often that moved', async () => {
    const { events, documents, claim } = open()
    const [first] = await fill(events, 1)
    const old = await claim()
    for (let times = 0; times < 3; times += 1) await old.save(placeOf(first))
    await documents.drop(collection)
    await expect(old.save(placeOf(first))).rejects.toThrow(CheckpointMoved)
    const held = await claim()
    for (let times = 0; times < 50; times += 1) {
      await held.save(placeOf(first))
      await expect(old.save(placeOf(first))).rejects.toThrow(CheckpointMoved)
    }
  })

  test('is not claimed by who has not the role any more: who has it can go on', async () => {
    const { events, documents, claim, checkpoints } = open()
    const [first, second] = await fill(events, 2)
    const held = await open(events, documents).claim()
    await held.save(placeOf(first))
    const awake = { ...openTenure(), confirmed: async () => false }
    await expect(claim(awake)).rejects.toThrow(CheckpointMoved)
    await held.save(placeOf(second, first))
    expect(await checkpoints.load('relay')).toMatchObject(placeOf(second, first))
  })

  test('is claimed on top of who claimed it at the same moment', async () => {
    const { events, documents, claim } = open()
    const [first] = await fill(events, 1)
    const other = open(events, documents)
    let between = 0
    const slow = {
      ...openTenure(),
      confirmed: async () => {
        between += 1
        if (between === 1) await (await other.claim()).save(placeOf(first))
        return true
      },
    }
    const held = await claim(slow)
    expect(held.start).toMatchObject(placeOf(first))
    await held.save(placeOf(first))
  })

  test('goes on after a writing whose answer was lost', async () => {
    const store = createMemoryDocumentStore()
    let loses = false
    const losing = {
      ...store,
      write: async (...args: Parameters<typeof store.write>) => {
        const answer = await store.write(...args)
        if (loses) throw new Unavailable('store/busy', 'No answer.')
        return answer
      },
    }
    const { events, claim, checkpoints } = open(undefined, losing)
    const [first, second] = await fill(events, 2)
    const held = await claim()
    loses = true
    await held.trySave(placeOf(first))
    loses = false
    await held.save(placeOf(second, first))
    expect(await checkpoints.load('relay')).toMatchObject(placeOf(second, first))
  })

  test('that was moved tells the tenure to look whether it is over', async () => {
    const { events, documents, claim } = open()
    const [first] = await fill(events, 1)
    let asked = 0
    const tenure = {
      ...openTenure(),
      confirmed: async () => {
        asked += 1
        return true
      },
    }
    const held = await claim(tenure)
    await open(events, documents).claim()
    await expect(held.save(placeOf(first))).rejects.toThrow(CheckpointMoved)
    expect(asked).toBe(2)
  })

  test('confirms whose it is, and that it is there', async () => {
    const { events, documents, claim } = open()
    const old = await claim()
    await old.confirm()
    const held = await open(events, documents).claim()
    await expect(old.confirm()).rejects.toThrow(CheckpointMoved)
    await held.confirm()
    await documents.drop(collection)
    await expect(held.confirm()).rejects.toThrow(CheckpointMoved)
  })
})
