import { describe, expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { createFoldedStreams } from '#handlers/folded-streams.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const random = createSeededRandom()
const metadata = {
  at: '2026-01-01T00:00:00.000Z',
  app: 'shop',
  actor: 'key:test',
  correlationId: 'c1',
}

const open = (options: { readonly entriesMax?: number } = {}) => {
  const store = createMemoryEventStore()
  const clock = createFakeClock()
  const asked: (number | undefined)[] = []
  let folded = 0
  const events: EventStore = {
    ...store,
    read: (stream, about) => {
      asked.push(about?.after)
      return store.read(stream, about)
    },
  }
  const evolve = (state: number | undefined, event: RecordedEvent) => {
    folded += 1
    return (state ?? 0) + Number(event.data.add)
  }
  const add = async (stream: string, ...numbers: readonly number[]) => {
    const revision = (await store.read(stream)).length - 1
    const news = numbers.map((number) => ({
      ...{ id: random.uuid(), type: 'Added', schemaVersion: 1, metadata },
      data: { add: number },
    }))
    await store.append(stream, news, { expected: revision < 0 ? 'no-stream' : revision })
  }
  return {
    add,
    clock,
    asked,
    events,
    evolve,
    folded: () => folded,
    streams: createFoldedStreams({ events, evolve, entriesMax: options.entriesMax ?? 10, clock }),
  }
}

describe('a folded stream', () => {
  test('that does not exist has no state', async () => {
    const { streams } = open()
    expect(await streams.load('a')).toMatchObject({ state: undefined, revision: -1 })
  })

  test('is as fresh as the log, and folds each event once', async () => {
    const { streams, add, folded, asked } = open()
    await add('a', 1, 2)
    expect(await streams.load('a')).toMatchObject({ state: 3, revision: 1 })
    await add('a', 4)
    expect(await streams.load('a')).toMatchObject({ state: 7, revision: 2 })
    expect(await streams.load('a')).toMatchObject({ state: 7, revision: 2 })
    expect(folded()).toBe(3)
    expect(asked).toEqual([-1, 1, 2])
  })

  test('is right when many ask at the same time', async () => {
    const { streams, add } = open()
    await add('a', 1)
    const early = Array.from({ length: 5 }, () => streams.load('a'))
    await add('a', 2)
    const late = Array.from({ length: 5 }, () => streams.load('a'))
    await Promise.all(early)
    for (const { state } of await Promise.all(late)) expect(state).toBe(3)
    expect(await streams.load('a')).toMatchObject({ state: 3, revision: 1 })
  })

  test('is forgotten when it was used least recently, and read again', async () => {
    const { streams, add, asked } = open({ entriesMax: 2 })
    for (const stream of ['a', 'b', 'c']) await add(stream, 1)
    await streams.load('a')
    await streams.load('b')
    await streams.load('a')
    await streams.load('c')
    asked.length = 0
    await streams.load('a')
    await streams.load('b')
    expect(asked).toEqual([0, -1])
  })

  test('that could not be folded is tried again the next time', async () => {
    const { add, events, evolve } = open()
    await add('a', 1)
    let broken = true
    const streams = createFoldedStreams<number>({
      events,
      entriesMax: 10,
      clock: createFakeClock(),
      evolve: (state, event) => {
        if (broken) throw new Error('It broke.')
        return evolve(state, event)
      },
    })
    await expect(streams.load('a')).rejects.toThrow('It broke.')
    broken = false
    expect(await streams.load('a')).toMatchObject({ state: 1, revision: 0 })
  })

  test('is asked for again when what is known is too old, was changed here, or never was there', async () => {
    const { streams, add, clock, asked } = open()
    expect(await streams.recent('a', 100)).toMatchObject({ state: undefined, revision: -1 })
    await add('a', 1)
    await clock.advance(100)
    expect(await streams.recent('a', 100)).toMatchObject({ state: undefined })
    expect(asked).toEqual([-1])
    await clock.advance(1)
    const readAtMs = clock.monotonic()
    expect(await streams.recent('a', 100)).toEqual({ state: 1, revision: 0, readAtMs })
    await add('a', 2)
    streams.changed('a')
    expect(await streams.recent('a', 100)).toMatchObject({ state: 3, revision: 1 })
    expect(asked).toEqual([-1, -1, 0])
  })

  test('is not asked for when what is known is enough, however old', async () => {
    const { streams, add, clock, asked } = open()
    await add('a', 1)
    await streams.load('a')
    await add('a', 2)
    await clock.advance(1_000_000)
    expect(await streams.knowing('a', (state) => state >= 1)).toMatchObject({ state: 1 })
    expect(asked).toEqual([-1])
    expect(await streams.knowing('a', (state) => state >= 3)).toMatchObject({ state: 3 })
    expect(asked).toEqual([-1, 0])
  })
})
