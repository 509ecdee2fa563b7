import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import { project } from '#handlers/project.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import { allProjections } from '#projections/all.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const root = new URL('../domain/', import.meta.url)

/** Streams are named after the folder of their examples, but for these. */
const prefixes: Readonly<Record<string, string>> = { callback: 'callbacks' }

/** One example of every event there is, as the first of its stream. */
const examples = globSync('*/recorded/*.json', { cwd: root }).map((path, index): RecordedEvent => {
  const kind = path.split('/')[0]!
  const event = JSON.parse(readFileSync(new URL(path, root), 'utf8'))
  const stream = `${prefixes[kind] ?? kind}-1`
  return { ...event, id: `example-${index}`, stream, revision: 0, position: '1' }
})

const fold = (projection: Projection, event: RecordedEvent): Promise<void> =>
  project({
    ...{ projection, events: [event], log: silent, clock: createFakeClock() },
    documents: createMemoryDocumentStore(),
    collection: collectionOf(projection, 0),
  })

describe.each(allProjections.map((each) => [each.name, each] as const))(
  'the read model %s',
  (_name, projection) => {
    const known = examples.filter((event) => projection.idOf(event) !== undefined)

    test.each(known.map((event) => [event.type, event] as const))(
      'stops at %s in a version of the future, wherever that keeps its data',
      async (_type, event) => {
        await expect(fold(projection, event)).resolves.toBeUndefined()
        const next = { ...event, schemaVersion: 2 }
        await expect(fold(projection, next)).rejects.toThrow(UnknownEvent)
        await expect(fold(projection, { ...next, data: {} })).rejects.toThrow(UnknownEvent)
      },
    )

    test('stops at a type of the future in the streams that it reads', async () => {
      const streams = new Map(known.map((event) => [event.stream, event]))
      expect(streams.size).toBeGreaterThan(0)
      for (const event of streams.values()) {
        const next = { ...event, type: `${event.type}Again` }
        await expect(fold(projection, next)).rejects.toThrow(UnknownEvent)
      }
    })

    test('leaves streams alone that it does not read', async () => {
      const next = { ...examples[0]!, stream: 'broadcast-1', type: 'BroadcastSent' }
      await expect(fold(projection, { ...next, schemaVersion: 7 })).resolves.toBeUndefined()
    })
  },
)

test('a notification that could not be folded is no reason to pass over what is newer', () => {
  const projection = allProjections.find(({ name }) => name === 'notifications')!
  const of = (type: string) => examples.find((event) => event.type === type)!
  const stale = projection.poisoned!(undefined, of('NotificationRequested'), 'It broke.')
  const parked = of('NotificationParked')
  expect(projection.evolve(stale, parked)).toMatchObject({ status: 'parked' })
  for (const next of [{ schemaVersion: 2 }, { type: 'NotificationTranslated' }]) {
    expect(() => projection.evolve(stale, { ...parked, ...next })).toThrow(UnknownEvent)
  }
})
