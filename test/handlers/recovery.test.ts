import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import { CheckpointMoved, createCheckpoints } from '#handlers/checkpoints.ts'
import { checkpointName } from '#handlers/progress.ts'
import { createProjector } from '#handlers/projector.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { readRecovery } from '#handlers/recover.ts'
import { createRecoveryMarks } from '#handlers/recovery-marks.ts'
import { createTallies } from '#handlers/tally.ts'
import type { DocumentStore, StoredDocument } from '#ports/document-store.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import {
  type NotificationDocument,
  notificationsProjection,
} from '#projections/notifications/notifications.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import { newEvent } from '../contracts/log-samples.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { cancelled, type Fact, iso, parked, requested, t0 } from '../support/given.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { openTenure } from '../support/tenure.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const projection = notificationsProjection as unknown as Projection
const collection = collectionOf(projection, 0)

const open = (events: EventStore, documents: DocumentStore, listedMax: number) => {
  const clock = createFakeClock()
  const readModels = createReadModels({ documents, clock })
  const counting = { documents, readModels, log: silent, counted: projection }
  const tallies = createTallies({ ...counting, nameOf: checkpointName })
  const parts = { events, documents, readModels, tallies, clock, log: silent }
  const checkpoints = createCheckpoints(parts)
  const projector = createProjector({ ...parts, checkpoints, crashPoints: unarmedCrashPoints })
  const signal = new AbortController().signal
  const random = createSeededRandom()
  const isAtHead = () => projector.progress[0]?.caughtUp === true
  return {
    marks: createRecoveryMarks({ ...parts, checkpoints, random, signal, listedMax }),
    tallies,
    checkpoint: () => checkpoints.load(checkpointName(projection, 0)),
    /** Follows the log until `enough`: by default to its head, and to the end of what is missing. */
    async follow(
      enough = () => isAtHead() && !projector.progress[0]?.history,
      meanwhile = async () => {},
    ) {
      const stopping = new AbortController()
      const following = projector.follow(projection, 0, openTenure(stopping.signal))
      for (let waited = 0; waited < 200; waited += 1) {
        await meanwhile()
        await clock.advance(20)
        if (waited > 2 && enough()) break
      }
      expect(enough()).toBe(true)
      stopping.abort()
      // Who waits for history that is withheld never ends.
      await Promise.race([following, clock.advance(1_000)])
    },
    /** Follows the log for good, under a tenure of its own. */
    begin(tenure = openTenure()) {
      const ended = projector.follow(projection, 0, tenure)
      // A test that expects it to fail looks at it later.
      ended.catch(() => {})
      return ended
    },
    clock,
    isAtHead,
  }
}

/** What the count has to say. */
const recount = (documents: readonly StoredDocument[]) => {
  const statuses: Record<string, number> = {}
  for (const { body } of documents) {
    const { status } = body as NotificationDocument
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  return { accepted: documents.length, statuses }
}

const counted = async ({ tallies }: Pick<ReturnType<typeof open>, 'tallies'>) => {
  const { accepted, statuses } = (await tallies.read()) ?? { accepted: 0, statuses: {} }
  const some = Object.entries(statuses).filter(([, count]) => count !== 0)
  return { accepted, statuses: Object.fromEntries(some) }
}

const scan = async (documents: DocumentStore): Promise<readonly StoredDocument[]> =>
  documents.scan(collection, { limit: 1_000 })

const openOnes = (documents: readonly StoredDocument[]) =>
  documents.filter(({ body }) => (body as NotificationDocument).unfinished?.as === 'open')

/** Withholds what only history asks for, until it may come. */
const withoutHistory = (
  events: EventStore,
  mayCome: Promise<void> = Promise.withResolvers<void>().promise,
): EventStore => {
  const readAll: EventStore['readAll'] = async (options) => {
    if (options.limit === 4_000) await mayCome
    return events.readAll(options)
  }
  return { ...events, readAll }
}

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('open' as const), at: fc.nat({ max: 60 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constantFrom('cancel', 'park'), which: fc.nat({ max: 30 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('mark' as const) }) },
  ),
  { minLength: 5, maxLength: 40 },
)

type Step = { readonly do: string; readonly at?: number; readonly which?: number }

/** Streams as short as they can be; clocks say what they like. */
const createHistory = (events: EventStore) => {
  const revisions: number[] = []
  const append = (number: number, { type, data, at }: Fact) => {
    const revision = revisions[number] ?? -1
    revisions[number] = revision + 1
    const { metadata } = newEvent()
    return events.append(
      `notification-${number}`,
      [newEvent({ type, data: { ...data }, metadata: { ...metadata, at: iso(at) } })],
      { expected: revision < 0 ? 'no-stream' : revision },
    )
  }
  return async (step: Step): Promise<void> => {
    if (step.do === 'open') await append(revisions.length, requested({ at: t0 + step.at! * 1_000 }))
    else if (revisions.length > 0) {
      const of = step.do === 'park' ? parked : cancelled
      await append(step.which! % revisions.length, of({ deliveries: [] }))
    }
  }
}

describe('after the read models were lost', () => {
  test('all that is open is there before history, whatever happened and whatever clocks said', async () => {
    let recoveries = 0
    await fc.assert(
      fc.asyncProperty(steps, fc.nat({ max: 3 }), async (history, listedMax) => {
        const events = createMemoryEventStore()
        const documents = createMemoryDocumentStore()
        const before = open(events, documents, listedMax)
        const happen = createHistory(events)
        for (const step of history) {
          if (step.do !== 'mark') await happen(step)
          else if ((await events.head()) !== undefined) {
            await before.follow()
            await before.marks.mark()
          }
        }
        await before.follow(before.isAtHead)
        const rebuilt = await scan(documents)

        const empty = createMemoryDocumentStore()
        const after = open(withoutHistory(events), empty, listedMax)
        await after.follow(after.isAtHead)
        expect(openOnes(await scan(empty))).toEqual(openOnes(rebuilt))
        if ((await readRecovery(events))?.last?.from) recoveries += 1

        // Then the rest comes, and all is as it was.
        await open(events, empty, listedMax).follow()
        expect(await scan(empty)).toEqual(rebuilt)
      }),
      { numRuns: 60 },
    )
    expect(recoveries).toBeGreaterThan(10)
  })

  test('a stream that began before the mark is folded from its beginning', async () => {
    const events = createMemoryEventStore()
    const happen = createHistory(events)
    const documents = createMemoryDocumentStore()
    const { follow, marks } = open(events, documents, 0)
    await happen({ do: 'open', at: 1 })
    await happen({ do: 'park', which: 0 })
    await follow()
    await marks.mark()
    await happen({ do: 'cancel', which: 0 })
    const empty = createMemoryDocumentStore()
    const after = open(withoutHistory(events), empty, 0)
    await after.follow(after.isAtHead)
    expect(await scan(empty)).toMatchObject([
      { id: '0', version: 2, body: { status: 'cancelled' } },
    ])
  })

  test('no mark is made while history is missing: it would not name all that is parked', async () => {
    const events = createMemoryEventStore()
    const happen = createHistory(events)
    const before = open(events, createMemoryDocumentStore(), 5)
    await happen({ do: 'open', at: 1 })
    await before.follow()
    expect(await before.marks.mark()).toBe(true)
    await happen({ do: 'open', at: 2 })
    const held = withoutHistory(events)
    const empty = createMemoryDocumentStore()
    const after = open(held, empty, 5)
    await after.follow(after.isAtHead)
    expect(await after.marks.mark()).toBe(false)
    const last = open(events, empty, 5)
    await last.follow()
    expect(await last.marks.mark()).toBe(true)
  })

  test('each document is counted once, though history meets it again and news meet it meanwhile', () =>
    fc.assert(
      fc.asyncProperty(steps, steps, fc.nat({ max: 3 }), async (history, news, listedMax) => {
        const events = createMemoryEventStore()
        const before = open(events, createMemoryDocumentStore(), listedMax)
        const happen = createHistory(events)
        for (const step of history) {
          if (step.do !== 'mark') await happen(step)
          else if ((await events.head()) !== undefined) {
            await before.follow()
            await before.marks.mark()
          }
        }
        const empty = createMemoryDocumentStore()
        // Counts of what was lost must not be added to.
        const tally = { accepted: 7, statuses: { delivered: 7 }, pending: [] }
        const document = { id: checkpointName(projection, 0), version: 5, body: tally }
        await empty.write({ name: 'tallies', version: 1, indexes: [] }, [
          { do: 'insert', document },
        ])
        const held = open(withoutHistory(events), empty, listedMax)
        await held.follow(held.isAtHead)
        expect(await counted(held)).toEqual(recount(await scan(empty)))

        const coming = news.filter((step) => step.do !== 'mark')
        const after = open(events, empty, listedMax)
        await after.follow(undefined, async () => {
          const step = coming.shift()
          if (step) await happen(step)
        })
        await after.follow()
        const documents = await scan(empty)
        expect(await counted(after)).toEqual(recount(documents))
        const streams = (await events.readAll({ limit: 1_000 })).events.map(({ stream }) => stream)
        const begun = new Set(streams.filter((stream) => stream.startsWith('notification-')))
        expect(documents).toHaveLength(begun.size)
      }),
      { numRuns: 60 },
    ))

  test('a document that history brings while there is news of it is counted once', async () => {
    const events = createMemoryEventStore()
    const happen = createHistory(events)
    const before = open(events, createMemoryDocumentStore(), 5)
    await happen({ do: 'open', at: 1 })
    await happen({ do: 'cancel', which: 0 })
    await happen({ do: 'open', at: 2 })
    await before.follow()
    await before.marks.mark()
    const empty = createMemoryDocumentStore()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    let held = 0
    const write: DocumentStore['write'] = async (of, changes) => {
      const isIt = changes.some((each) => each.do === 'insert' && each.document.id === '0')
      if (isIt && held++ === 0) await released
      return empty.write(of, changes)
    }
    const after = open(events, { ...empty, write }, 5)
    const stopping = new AbortController()
    const ended = after.begin(openTenure(stopping.signal))
    await after.clock.advance(100)
    expect(held).toBe(1)
    await happen({ do: 'park', which: 0 })
    await after.clock.advance(100)
    release()
    await after.clock.advance(2_000)
    stopping.abort()
    await ended
    const documents = await scan(empty)
    expect(documents.map(({ id, version }) => [id, version])).toEqual([
      ['0', 2],
      ['1', 0],
    ])
    expect(await counted(after)).toEqual(recount(documents))
  })

  test('who was replaced while history came moves nothing any more', async () => {
    const events = createMemoryEventStore()
    const happen = createHistory(events)
    const before = open(events, createMemoryDocumentStore(), 5)
    for (const at of [1, 2, 3]) await happen({ do: 'open', at })
    await before.follow()
    await before.marks.mark()
    const empty = createMemoryDocumentStore()
    const { promise: mayCome, resolve: come } = Promise.withResolvers<void>()
    const old = open(withoutHistory(events, mayCome), empty, 5)
    const ended = old.begin()
    await old.clock.advance(100)
    expect(await old.checkpoint()).toMatchObject({ history: { until: '3' } })
    // Another process takes over and brings it to its end; the old one stood still meanwhile.
    const other = open(events, empty, 5)
    await other.follow()
    const checkpoint = await other.checkpoint()
    expect(checkpoint).not.toHaveProperty('history')
    come()
    await expect(ended).rejects.toThrow(CheckpointMoved)
    expect(await other.checkpoint()).toEqual(checkpoint)
    expect(await counted(other)).toEqual(recount(await scan(empty)))
  })

  test('that they are gone is noticed though nothing happens', async () => {
    const events = createMemoryEventStore()
    const happen = createHistory(events)
    await happen({ do: 'open', at: 1 })
    const documents = createMemoryDocumentStore()
    const service = open(events, documents, 5)
    const ended = service.begin()
    await service.clock.advance(15_000)
    expect(await scan(documents)).toHaveLength(1)
    await documents.drop({ name: 'checkpoints', version: 1, indexes: [] })
    await service.clock.advance(11_000)
    await expect(ended).rejects.toThrow(CheckpointMoved)
  })
})
