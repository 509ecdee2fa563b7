import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { createProjector } from '#handlers/projector.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { readRecovery } from '#handlers/recover.ts'
import { createRecoveryMarks } from '#handlers/recovery-marks.ts'
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
  const parts = { events, documents, readModels, clock, log: silent }
  const checkpoints = createCheckpoints(parts)
  const projector = createProjector({ ...parts, checkpoints, crashPoints: unarmedCrashPoints })
  const signal = new AbortController().signal
  const random = createSeededRandom()
  const isAtHead = () => projector.progress[0]?.caughtUp === true
  return {
    marks: createRecoveryMarks({ ...parts, checkpoints, random, signal, listedMax }),
    /** Follows the log until `enough`: by default to its head, and to the end of what is missing. */
    async follow(enough = () => isAtHead() && !projector.progress[0]?.history) {
      const stopping = new AbortController()
      const following = projector.follow(projection, 0, openTenure(stopping.signal))
      for (let waited = 0; waited < 200; waited += 1) {
        await clock.advance(20)
        if (waited > 2 && enough()) break
      }
      expect(enough()).toBe(true)
      stopping.abort()
      // Who waits for history that is withheld never ends.
      await Promise.race([following, clock.advance(1_000)])
    },
    isAtHead,
  }
}

const scan = async (documents: DocumentStore): Promise<readonly StoredDocument[]> =>
  documents.scan(collection, { limit: 1_000 })

const openOnes = (documents: readonly StoredDocument[]) =>
  documents.filter(({ body }) => (body as NotificationDocument).unfinished?.as === 'open')

/** Withholds what only history asks for. */
const withoutHistory = (events: EventStore): EventStore => {
  const { promise: never } = Promise.withResolvers<never>()
  const readAll: EventStore['readAll'] = (options) =>
    options.limit === 4_000 ? never : events.readAll(options)
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
})
