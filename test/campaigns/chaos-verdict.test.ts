import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import type { Notification } from '#domain/notification/state.ts'
import type { StoredDocument } from '#ports/document-store.ts'
import { missedKinds, noFaults, planFaults } from '../../campaigns/chaos/plan.ts'
import { differencesOf, fingerprintsOf } from '../../campaigns/chaos/rebuild.ts'
import { complaints, type Findings, resultOf } from '../../campaigns/chaos/result.ts'
import { createTimerWatch, lateness, timersBackWithinMs } from '../../campaigns/chaos/timers.ts'

const plan = planFaults({ seed: 1, durationMs: 120_000 })
const clean: Findings = {
  minutes: 2,
  plan: [],
  faults: { ...noFaults(), 'nats-wiped': 2 },
  impossible: [],
  verdict: {
    accepted: 3,
    lost: 0,
    ambiguous: 1,
    duplicateSends: 1,
    unexplainedDuplicates: 0,
    problems: [],
  },
  audit: { clean: true, accepted: 3, finished: 2, parked: 1, pending: 0, differences: [] },
  recoveries: [{ open: 4, tookMs: 1_000, missing: [] }],
  unequal: [],
  stuck: [],
  deaths: [],
}

describe('the plan of the cluster campaign', () => {
  test('has every kind of fault, within its time, none of a track on top of another', () => {
    expect(missedKinds(plan, noFaults())).toHaveLength(8)
    for (const track of plan) {
      let free = 0
      for (const { atMs, lastsMs } of track) {
        expect(atMs).toBeGreaterThanOrEqual(free)
        free = atMs + lastsMs
      }
      expect(free).toBeLessThanOrEqual(120_000)
    }
  })

  test('is the same for the same seed, and another for another', () => {
    expect(planFaults({ seed: 1, durationMs: 120_000 })).toEqual(plan)
    expect(planFaults({ seed: 2, durationMs: 120_000 })).not.toEqual(plan)
  })

  test('stops MongoDB for 30 s and kills and freezes each of four processes', () => {
    const all = plan.flat()
    expect(all.find(({ kind }) => kind === 'mongodb-stopped')?.lastsMs).toBe(30_000)
    for (const kind of ['pabal-killed', 'pabal-frozen']) {
      const struck = all.filter((each) => each.kind === kind).map(({ process }) => process)
      expect(new Set(struck)).toEqual(new Set([0, 1, 2, 3]))
    }
  })
})

describe('the verdict of the cluster campaign', () => {
  test('is good when nothing is wrong, and says so in one line', () => {
    expect(complaints(clean)).toEqual([])
    expect(resultOf(clean)).toEqual({
      minutes: 2,
      faults: clean.faults,
      accepted: 3,
      lost: 0,
      ambiguous: 1,
      unexplainedDuplicates: 0,
      rebuiltEqual: true,
      verify: 'clean',
    })
  })

  test.each<[string, Partial<Findings>]>([
    [
      'a loss',
      { verdict: { ...clean.verdict, problems: [{ is: 'no-stream', what: 'chaos:1:1' }] } },
    ],
    ['accepted that is neither finished nor parked', { audit: { ...clean.audit, finished: 1 } }],
    ['what is still pending', { audit: { ...clean.audit, accepted: 4, pending: 1 } }],
    ['more 202s than the log has', { verdict: { ...clean.verdict, accepted: 4 } }],
    [
      'due times that came back too late',
      { recoveries: [{ ...clean.recoveries[0]!, tookMs: 3e5 + 1 }] },
    ],
    [
      'due times that did not come back',
      { recoveries: [{ open: 1, tookMs: undefined, missing: ['a'] }] },
    ],
    ['a read model that is rebuilt otherwise', { unequal: ['notifications x: only before'] }],
    ['what is stuck', { stuck: ['1 notification is open'] }],
    ['a process that ended by itself', { deaths: ['pabal-1'] }],
    ['a planned fault that never happened', { plan: plan.slice(0, 1) }],
  ])('complains of %s', (_, wrong) => {
    expect(complaints({ ...clean, ...wrong })).not.toEqual([])
  })

  test('does not ask for faults that these servers cannot have', () => {
    const log = plan.slice(-1)
    const faults = { ...noFaults(), 'eventstore-killed': 1 }
    expect(complaints({ ...clean, plan: log, faults })).toHaveLength(1)
    expect(complaints({ ...clean, plan: log, faults, impossible: ['replies-lost'] })).toEqual([])
  })
})

describe('comparing a read model with the rebuilt one', () => {
  const collection = { name: 'things', version: 1, indexes: [] }
  const storeOf = async (documents: readonly StoredDocument[]) => {
    const store = createMemoryDocumentStore()
    await store.write(
      collection,
      documents.map((document) => ({ do: 'insert', document }) as const),
    )
    return fingerprintsOf(store, collection, 0)
  }
  const document = (id: string, version: number, body: object): StoredDocument =>
    ({ id, version, body }) as StoredDocument

  test('finds nothing in equal ones, whatever the order of their fields', async () => {
    const live = await storeOf([document('a', 1, { x: 1, y: 2 })])
    const rebuilt = await storeOf([document('a', 1, { y: 2, x: 1 })])
    expect(differencesOf('things', live, rebuilt)).toEqual([])
  })

  test('finds a field, a version, a document too many and one too few', async () => {
    const live = await storeOf([
      document('body', 1, { x: 1 }),
      document('version', 1, {}),
      document('gone', 1, {}),
    ])
    const rebuilt = await storeOf([
      document('body', 1, { x: 2 }),
      document('version', 2, {}),
      document('new', 1, {}),
    ])
    const found = differencesOf('things', live, rebuilt)
    expect(found.map((each) => each.split(' ')[1]).sort()).toEqual([
      'body:',
      'gone:',
      'new:',
      'version:',
    ])
  })

  test('leaves out what will have expired when the second look ends', async () => {
    const expiring = { ...collection, expires: { field: 'until' } }
    const store = createMemoryDocumentStore()
    const bodies = { soon: { until: 10 }, later: { until: 11 }, never: {} }
    const inserts = Object.entries(bodies).map(
      ([id, body]) => ({ do: 'insert', document: document(id, 1, body) }) as const,
    )
    await store.write(expiring, inserts)
    expect([...(await fingerprintsOf(store, expiring, 10)).keys()]).toEqual(['later', 'never'])
  })
})

describe('measuring how due times come back', () => {
  const open = (revision: number) =>
    ({ revision, routed: false, cancelled: false, deliveries: [] }) as unknown as Notification
  const over = (revision: number): Notification => ({ ...open(revision), closed: 'expired' })
  const known = (version: number, due: object, state: Notification): StoredDocument =>
    ({ id: 'a', version, body: { due, state } }) as unknown as StoredDocument
  const nothing = new Map<string, never>()

  const watched = () => {
    const watch = createTimerWatch()
    watch.dropped(
      new Map([
        ['a', open(3)],
        ['b', over(5)],
      ]),
      1_000,
    )
    return watch
  }

  test('waits for those that were open, and for no other', () => {
    expect(watched().waiting).toEqual(['a'])
  })

  test.each([
    ['no document', new Map<string, StoredDocument>()],
    ['one that knows less', new Map([['a', known(2, { route: 1 }, open(2))]])],
    ['one without a due time', new Map([['a', known(3, {}, open(3))]])],
  ])('goes on waiting while there is %s', (_, documents) => {
    const watch = watched()
    watch.look(nothing, documents, 2_000)
    expect(watch.recoveries).toEqual([{ open: 1, tookMs: undefined, missing: ['a'] }])
    expect(lateness(watch.recoveries[0]!)).toContain('a')
  })

  test('takes the time until the agenda holds a due time again', () => {
    const watch = watched()
    watch.look(nothing, new Map([['a', known(3, { route: 1 }, open(3))]]), 2_500)
    watch.look(nothing, new Map(), 9_000)
    expect(watch.recoveries).toEqual([{ open: 1, tookMs: 1_500, missing: [] }])
    expect(lateness(watch.recoveries[0]!)).toBeUndefined()
  })

  test('needs no due time for what has come to its end meanwhile', () => {
    const watch = watched()
    watch.look(new Map([['a', over(4)]]), new Map(), 1_000 + timersBackWithinMs + 1)
    expect(watch.waiting).toEqual([])
    expect(lateness(watch.recoveries[0]!)).toContain('5 minutes')
  })
})
