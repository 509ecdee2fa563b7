import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

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
  return { events, documents, lines, checkpoints: createCheckpoints({ events, documents, log }) }
}

describe('a checkpoint', () => {
  test('is absent until it is saved, and then found by the next process', async () => {
    const { events, documents, checkpoints } = open()
    const [first, second] = await fill(events, 3)
    expect(await checkpoints.load('relay')).toBeUndefined()
    const place = { position: second!.position, eventId: second!.id, before: first!.position }
    await checkpoints.save('relay', place)
    const next = open(events, documents)
    expect(await next.checkpoints.load('relay')).toMatchObject(place)
    expect(await next.checkpoints.load('other')).toBeUndefined()
  })

  test('of the very first event needs no place before it', async () => {
    const { events, checkpoints } = open()
    const [first] = await fill(events, 1)
    await checkpoints.save('relay', { position: first!.position, eventId: first!.id })
    expect(await checkpoints.load('relay')).toMatchObject({ position: first!.position })
  })

  test('of another log is not used, and can be replaced', async () => {
    const { events, documents, checkpoints } = open()
    const [first] = await fill(events, 1)
    await checkpoints.save('relay', { position: first!.position, eventId: first!.id })
    const other = open(createMemoryEventStore(), documents)
    const [own] = await fill(other.events, 1)
    expect(await other.checkpoints.load('relay')).toBeUndefined()
    expect(other.lines).toEqual(['A checkpoint does not fit this log and is not used.'])
    await other.checkpoints.save('relay', { position: own!.position, eventId: own!.id })
    expect(await other.checkpoints.load('relay')).toMatchObject({ eventId: own!.id })
  })

  test('of a log that lost its end is not used', async () => {
    const { events, documents, checkpoints } = open()
    const all = await fill(events, 3)
    const [, second, third] = all
    const place = { position: third!.position, eventId: third!.id, before: second!.position }
    await checkpoints.save('relay', place)
    const shorter = createMemoryEventStore()
    await shorter.append('notes-1', all.slice(0, 2), { expected: 'no-stream' })
    const restored = open({ ...shorter, logId: events.logId }, documents)
    expect(await restored.checkpoints.load('relay')).toBeUndefined()
  })

  test('of a log that went another way is not used', async () => {
    const { events, documents, checkpoints } = open()
    const [first, second] = await fill(events, 2)
    const place = { position: second!.position, eventId: second!.id, before: first!.position }
    await checkpoints.save('relay', place)
    const other = createMemoryEventStore()
    await fill(other, 5)
    const restored = open({ ...other, logId: events.logId }, documents)
    expect(await restored.checkpoints.load('relay')).toBeUndefined()
  })

  test('that somebody else moved is not overwritten', async () => {
    const { events, documents, checkpoints } = open()
    const [first, second] = await fill(events, 2)
    const other = open(events, documents)
    const at = (event = first!) => ({ position: event.position, eventId: event.id })
    await checkpoints.save('relay', at())
    await other.checkpoints.load('relay')
    await other.checkpoints.save('relay', at(second!))
    await expect(checkpoints.save('relay', at())).rejects.toThrow('Somebody else')
    await checkpoints.load('relay')
    await checkpoints.save('relay', at(second!))
  })

  test('that was thrown away under its follower is made anew', async () => {
    const { events, documents, checkpoints } = open()
    const [first] = await fill(events, 1)
    const place = { position: first!.position, eventId: first!.id }
    await checkpoints.save('relay', place)
    await documents.drop(collection)
    await expect(checkpoints.save('relay', place)).rejects.toThrow('Somebody else')
    expect(await checkpoints.load('relay')).toBeUndefined()
    await checkpoints.save('relay', place)
    expect(await checkpoints.load('relay')).toMatchObject(place)
  })

  test('can be removed, also when there is none', async () => {
    const { events, checkpoints } = open()
    const [first] = await fill(events, 1)
    await checkpoints.remove('relay')
    await checkpoints.save('relay', { position: first!.position, eventId: first!.id })
    await checkpoints.remove('relay')
    expect(await checkpoints.load('relay')).toBeUndefined()
    await checkpoints.save('relay', { position: first!.position, eventId: first!.id })
  })

  test('that cannot be written holds up nobody who can do without', async () => {
    const store = createMemoryDocumentStore()
    const refusing = {
      ...store,
      write: () => Promise.reject(new Unavailable('store/busy', 'Not now.')),
    }
    const { events, checkpoints, lines } = open(undefined, refusing)
    const [first] = await fill(events, 1)
    const place = { position: first!.position, eventId: first!.id }
    await expect(checkpoints.save('relay', place)).rejects.toThrow(Unavailable)
    await checkpoints.trySave('relay', place)
    expect(lines).toEqual(['A checkpoint could not be written; its follower goes on.'])
  })
})
