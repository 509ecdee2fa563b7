import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { CheckpointMoved } from '#handlers/checkpoints.ts'
import { groupById } from '#handlers/gathering.ts'
import { projectGroups } from '#handlers/project.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { createTallies, tallyAfter } from '#handlers/tally.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import { createFakeClock } from '../support/fake-clock.ts'

type Body = { readonly status: string }
const counted: Projection<Body> = {
  name: 'things',
  version: 1,
  indexes: [],
  idOf: (event) => event.stream,
  evolve: (_body, event) => ({ status: event.type }),
  classOf: (body) => body.status,
}
const projection = counted as unknown as Projection
const collection = collectionOf(projection, 0)
const name = 'things@1.0'
const clock = createFakeClock()
const warnings: string[] = []
const warn = (message: string) => void warnings.push(message)
const log = { debug: () => {}, info: () => {}, warn, error: () => {} }

/** Of all writes the n-th is the last: it is made or not, and answered by nobody. */
const dying = (store: DocumentStore, nth: number, made: boolean): DocumentStore => {
  let left = nth
  const write: DocumentStore['write'] = async (...args) => {
    left -= 1
    if (left > 0) return store.write(...args)
    if (left === 0 && made) await store.write(...args)
    throw new Error('killed')
  }
  return Object.create(store, { write: { value: write } }) as DocumentStore
}

const talliesOf = (documents: DocumentStore) =>
  createTallies({
    ...{ documents, log, counted: projection },
    readModels: createReadModels({ documents, clock }),
    nameOf: () => name,
  })

/** Feeds pages from `from`; answers the page that could not be finished, if any. */
const feed = async (documents: DocumentStore, pages: readonly RecordedEvent[][], from: number) => {
  const counting = await talliesOf(documents).open(projection, name, collection)
  for (let page = from; page < pages.length; page += 1) {
    try {
      const groups = groupById(projection, pages[page]!)
      await projectGroups({ documents, projection, collection, clock, log, counting }, groups)
    } catch {
      return page
    }
  }
  return undefined
}

const recount = async (documents: DocumentStore) => {
  const found = await documents.scan(collection, { limit: 1_000 })
  const statuses: Record<string, number> = {}
  for (const { body } of found) {
    const { status } = body as Body
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  return { accepted: found.length, statuses }
}

const withoutNought = ({ accepted, statuses }: Awaited<ReturnType<typeof recount>>) => ({
  accepted,
  statuses: Object.fromEntries(Object.entries(statuses).filter(([, count]) => count !== 0)),
})

/** Events of a few streams, in pages. */
const histories = fc
  .array(
    fc.array(fc.record({ stream: fc.nat(4), type: fc.constantFrom('open', 'done', 'parked') }), {
      minLength: 1,
      maxLength: 6,
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((pages) => {
    const revisions = new Map<number, number>()
    return pages.map((page) =>
      page.map(({ stream, type }) => {
        const revision = (revisions.get(stream) ?? -1) + 1
        revisions.set(stream, revision)
        return { stream: `thing-${stream}`, type, revision } as unknown as RecordedEvent
      }),
    )
  })

const kills = fc.array(
  fc.record({ nth: fc.integer({ min: 1, max: 5 }), made: fc.boolean(), back: fc.nat(2) }),
  { maxLength: 4 },
)

describe('the count of a read model', () => {
  test('holds after a page of more documents than are written at a time', async () => {
    await using documents = createMemoryDocumentStore()
    const page = Array.from({ length: 900 }, (_, number) => ({
      ...{ stream: `thing-${number}`, type: 'open', revision: 0 },
    })) as unknown as RecordedEvent[]
    expect(await feed(documents, [page], 0)).toBeUndefined()
    expect(await talliesOf(documents).read()).toEqual(await recount(documents))
  })

  test('is exact wherever its process is killed, and however much is repeated', () =>
    fc.assert(
      fc.asyncProperty(histories, kills, async (pages, deaths) => {
        const documents = createMemoryDocumentStore()
        let at = 0
        for (const { nth, made, back } of deaths) {
          const stopped = await feed(dying(documents, nth, made), pages, at)
          if (stopped === undefined) break
          // The checkpoint may lie before what was folded.
          at = Math.max(0, stopped - back)
        }
        await feed(documents, pages, at)
        const tally = (await talliesOf(documents).read())!
        expect(withoutNought(tally)).toEqual(await recount(documents))
      }),
      { numRuns: 300 },
    ))

  test('is exact when many documents are written side by side, wherever that ends', async () => {
    const all = Array.from({ length: 450 }, (_, index) => `thing-${index}`)
    const page = (revision: number, type: string) =>
      all.map((stream) => ({ stream, type, revision }) as unknown as RecordedEvent)
    const pages = [page(0, 'open'), page(1, 'done')]
    for (let nth = 1; nth <= 22; nth += 1) {
      for (const made of [true, false]) {
        const documents = createMemoryDocumentStore()
        const stopped = await feed(dying(documents, nth, made), pages, 0)
        await feed(documents, pages, stopped ?? 0)
        const tally = (await talliesOf(documents).read())!
        expect(withoutNought(tally)).toEqual({ accepted: 450, statuses: { done: 450 } })
      }
    }
  })

  test('begins anew when its read model does', async () => {
    const documents = createMemoryDocumentStore()
    const event = { stream: 'thing-1', type: 'open', revision: 0 } as unknown as RecordedEvent
    await feed(documents, [[event]], 0)
    await documents.drop(collection)
    const old = await talliesOf(documents).open(projection, name, collection)
    await talliesOf(documents).open(projection, name, collection, true)
    expect(await talliesOf(documents).read()).toEqual({ accepted: 0, statuses: {} })
    await feed(documents, [[event]], 0)
    expect(await talliesOf(documents).read()).toEqual({ accepted: 1, statuses: { open: 1 } })
    const document = { id: 'thing-2', version: 0, body: { status: 'open' } }
    const late = old!.ahead(new Map(), [{ do: 'insert', document }], new Map())
    await expect(late).rejects.toThrow(CheckpointMoved)
  })

  test('differs from what was begun when a document is lost', async () => {
    const documents = createMemoryDocumentStore()
    const event = (revision: number, type: string, stream = 'thing-1') =>
      ({ stream, type, revision }) as unknown as RecordedEvent
    await feed(documents, [[event(0, 'open')], [event(0, 'open', 'thing-2')]], 0)
    await documents.write(collection, [{ do: 'delete', id: 'thing-1', ifVersion: 0 }])
    await feed(documents, [[event(1, 'done')]], 0)
    const { accepted, statuses } = (await talliesOf(documents).read())!
    const counted = Object.values(statuses).reduce((sum, count) => sum + count, 0)
    expect({ accepted, counted }).toEqual({ accepted: 2, counted: 3 })
  })

  test('is not begun in the middle: a read model that is older is not counted', async () => {
    const documents = createMemoryDocumentStore()
    const document = { id: 'thing-9', version: 0, body: { status: 'open' } }
    await documents.write(collection, [{ do: 'insert', document }])
    expect(await talliesOf(documents).open(projection, name, collection)).toBeUndefined()
    expect(await talliesOf(documents).read()).toBeUndefined()
    expect(warnings.join()).toContain('next rebuild')
  })

  test('refuses a second one who counts', async () => {
    const documents = createMemoryDocumentStore()
    const first = await talliesOf(documents).open(projection, name, collection)
    const second = await talliesOf(documents).open(projection, name, collection)
    const insert = (id: string) =>
      [{ do: 'insert', document: { id, version: 0, body: { status: 'open' } } }] as const
    await first!.ahead(new Map(), insert('a'), new Map())
    await expect(second!.ahead(new Map(), insert('b'), new Map())).rejects.toThrow(CheckpointMoved)
  })

  test('goes when its read model goes', async () => {
    const documents = createMemoryDocumentStore()
    const tallies = talliesOf(documents)
    const event = { stream: 'thing-1', type: 'open', revision: 0 } as unknown as RecordedEvent
    await feed(documents, [[event]], 0)
    expect(await tallies.read()).toEqual({ accepted: 1, statuses: { open: 1 } })
    await tallies.remove(name)
    expect(await tallies.read()).toBeUndefined()
  })

  test('moves from one status to another', () => {
    const before = { accepted: 1, statuses: { open: 1 } }
    const move = { from: 'open', to: 'done', begins: false }
    expect(tallyAfter(before, [move])).toEqual({ accepted: 1, statuses: { open: 0, done: 1 } })
  })
})
