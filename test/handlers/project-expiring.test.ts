import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { project } from '#handlers/project.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { createTallies } from '#handlers/tally.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import { newEvent } from '../contracts/log-samples.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const servedMs = 1_000

/** A document serves for a second after the event that begins it. */
const notes: Projection = {
  name: 'notes',
  version: 1,
  indexes: [],
  expires: { field: 'until' },
  idOf: (event) => event.stream,
  evolve(body, event) {
    if (body) return { ...body, last: event.type }
    if (event.type !== 'Begun') return undefined
    return { until: Date.parse(event.metadata.at) + servedMs, last: event.type }
  },
}
const collection = collectionOf(notes, 0)

const open = () => {
  const clock = createFakeClock()
  const start = clock.now()
  const documents = createMemoryDocumentStore(clock)
  let written = 0
  const counting: DocumentStore = Object.create(documents, {
    write: {
      value: (...args: Parameters<DocumentStore['write']>) => {
        written += args[1].length
        return documents.write(...args)
      },
    },
  })
  let position = 0
  const event = (stream: string, revision: number, type: string, afterMs: number) => {
    position += 1
    const at = new Date(start + afterMs).toISOString()
    const fresh = newEvent({ type })
    const metadata = { ...fresh.metadata, at }
    return { ...fresh, metadata, stream, revision, position: String(position) } as RecordedEvent
  }
  const parts = { documents: counting, projection: notes, collection, clock, log }
  return {
    ...{ clock, documents, event },
    written: () => written,
    project: (events: readonly RecordedEvent[]) => project({ ...parts, events }),
    shown: async () => documents.scan(collection, { limit: 100 }),
    /** As it was `ms` ago. */
    async shownBefore(ms: number) {
      clock.jump(-ms)
      const found = await documents.scan(collection, { limit: 100 })
      clock.jump(ms)
      return found
    },
  }
}

describe('projecting what expires', () => {
  test('writes nothing that has expired already, and all the rest', async () => {
    const { clock, event, project, shown, shownBefore, written } = open()
    const events = [
      event('old', 0, 'Begun', 0),
      event('new', 0, 'Begun', 1),
      event('old', 1, 'Seen', 500),
    ]
    clock.jump(servedMs)
    await project(events)
    expect((await shown()).map(({ id }) => id)).toEqual(['new'])
    expect((await shownBefore(servedMs)).map(({ id }) => id)).toEqual(['new'])
    expect(written()).toBe(1)
  })

  test('does not begin again what a late event belongs to, swept or not', async () => {
    const { clock, documents, event, project, shownBefore } = open()
    await project([event('a', 0, 'Begun', 0), event('b', 0, 'Begun', 0)])
    clock.jump(servedMs)
    await project([event('a', 1, 'Seen', servedMs)])
    expect((await shownBefore(servedMs)).map(({ version }) => version)).toEqual([0, 0])
    await documents.sweep(collection, 10)
    await project([event('b', 1, 'Seen', servedMs)])
    expect(await shownBefore(servedMs)).toEqual([])
  })

  test('gives the same from the beginning as it gave live, whatever was swept meanwhile', async () => {
    const live = open()
    const again = open()
    const revisions = new Map<number, number>()
    // Every other one goes back to a note of up to 1.4 s before: some are in time and some are not.
    const events = Array.from({ length: 100 }, (_, at) => {
      const note = at % 2 === 0 ? at : Math.max(0, at - 1 - 2 * ((at * 7) % 36))
      const revision = (revisions.get(note) ?? -1) + 1
      revisions.set(note, revision)
      return live.event(`note-${note}`, revision, revision === 0 ? 'Begun' : 'Seen', at * 20)
    })
    for (const [at, event] of events.entries()) {
      await live.project([event])
      live.clock.jump(20)
      if (at % 7 === 0) await live.documents.sweep(collection, 3)
    }
    again.clock.jump(2_000)
    await again.project(events)
    const found = await again.shown()
    expect(found).toHaveLength(24)
    expect(await live.shown()).toEqual(found)
  })

  test('begins anew after its time, as it did when the events came one by one', async () => {
    const live = open()
    const again = open()
    const events = [
      live.event('a', 0, 'Begun', 0),
      live.event('a', 1, 'Begun', servedMs - 1),
      live.event('a', 2, 'Begun', servedMs),
      live.event('a', 3, 'Seen', servedMs + 1),
    ]
    for (const [at, event] of events.entries()) {
      live.clock.jump(at === 0 ? 0 : Date.parse(event.metadata.at) - live.clock.now())
      await live.project([event])
    }
    again.clock.jump(servedMs + 1)
    await again.project(events)
    const until = Date.parse(events[2]!.metadata.at) + servedMs
    const begun = [{ id: 'a', version: 3, body: { until, last: 'Seen' } }]
    expect([await live.shown(), await again.shown()]).toEqual([begun, begun])
  })

  test('is not counted: a document goes without an event', async () => {
    const { clock, documents } = open()
    const counted = { ...notes, classOf: () => 'open' }
    const tallies = createTallies({
      ...{ documents, log, counted },
      readModels: createReadModels({ documents, clock }),
      nameOf: () => 'notes@1.0',
    })
    expect(await tallies.open(counted, 'notes@1.0', collectionOf(counted, 0))).toBeUndefined()
    expect(await tallies.read()).toBeUndefined()
  })
})
