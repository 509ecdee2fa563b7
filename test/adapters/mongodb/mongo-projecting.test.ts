import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { project } from '#handlers/project.ts'
import type { CollectionDeclaration, DocumentStore } from '#ports/document-store.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import type { Projection } from '#projections/projection.ts'
import { newCollection } from '../../contracts/document-samples.ts'
import { newEvent } from '../../contracts/log-samples.ts'
import {
  mongoAvailable,
  noMongo,
  openTestMongo,
  type TestMongo,
} from '../../support/mongodb/test-mongo.ts'
import { clock, openStore, silent } from './mongo-store.ts'

/** Keeps the ids of its events in their order: the least repetition or loss would show. */
const journal: Projection = {
  name: 'journal',
  version: 1,
  indexes: [],
  idOf: (event) => event.stream,
  evolve: (body, event) => ({ $seen: [...((body?.$seen as string[]) ?? []), event.id] }),
}

const recorded = async (): Promise<readonly RecordedEvent[]> => {
  const log = createMemoryEventStore()
  for (let n = 0; n < 40; n++) {
    const events = [0, 1, 2].map(() => newEvent({ type: 'Step' }))
    await log.append(`stream-${n % 20}-${Math.floor(n / 20)}`, events, { expected: 'no-stream' })
  }
  return (await log.readAll({ limit: 1_000 })).events
}

const scanned = async (documents: DocumentStore, collection: CollectionDeclaration) =>
  documents.scan(collection, { limit: 1_000 })

describe.skipIf(!mongoAvailable)(`projecting to MongoDB ${mongoAvailable ? '' : noMongo}`, () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await openTestMongo()
  })
  afterAll(() => mongo[Symbol.asyncDispose]())

  test('gives what memory gives, whatever comes twice and whoever else projects', async () => {
    const events = await recorded()
    const memory = createMemoryDocumentStore()
    const expected = newCollection()
    const to = { documents: memory, collection: expected }
    const needs = { ...to, projection: journal, clock, log: silent }
    await project({ ...needs, events })
    const wanted = await scanned(memory, expected)
    expect(wanted).toHaveLength(40)

    const url = mongo.database()
    await using one = await openStore(url)
    await using two = await openStore(url)
    const cuts = fc.array(fc.nat(events.length), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(cuts, cuts, async (first, second) => {
        const collection = newCollection()
        /** Goes back to each cut and on to the next, as after crashes, and to the end at last. */
        const follow = async (documents: DocumentStore, places: readonly number[]) => {
          let reached = 0
          for (const place of [...places, events.length]) {
            const from = Math.min(place, reached)
            const page = events.slice(from, Math.max(place, reached))
            await project({ ...needs, documents, collection, events: page })
            reached = Math.max(place, reached)
          }
        }
        await Promise.all([follow(one, first), follow(two, second)])
        expect(await scanned(one, collection)).toEqual(wanted)
      }),
      { numRuns: 15 },
    )
  })
})
