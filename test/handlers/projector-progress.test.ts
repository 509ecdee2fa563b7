import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { createProjector } from '#handlers/projector.ts'
import { createReadModels } from '#handlers/read-models.ts'
import type { Log } from '#ports/log.ts'
import type { Projection } from '#projections/projection.ts'
import { newEvent } from '../contracts/log-samples.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTenure } from '../support/tenure.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

const fragile: Projection = {
  name: 'fragile',
  version: 1,
  indexes: [],
  idOf: (event) => event.stream,
  evolve(_body, { type }) {
    if (type === 'Broken') throw new Error('It broke.')
    return { type }
  },
}

/** One that folded an event, and fails at the next one however often it is started again. */
const openFailing = async () => {
  const events = createMemoryEventStore()
  const documents = createMemoryDocumentStore()
  const clock = createFakeClock()
  const parts = { events, documents, clock, log: silent }
  const readModels = createReadModels(parts)
  const checkpoints = createCheckpoints(parts)
  const projector = createProjector({
    ...{ ...parts, checkpoints, readModels },
    crashPoints: unarmedCrashPoints,
  })
  const ending = new AbortController()
  const follow = () => projector.follow(fragile, 0, openTenure(ending.signal))
  const append = (stream: string, type: string) =>
    events.append(stream, [newEvent({ type })], { expected: 'no-stream' })
  const { position } = await append('sound-1', 'Sound')
  const failing = follow().catch((error: Error) => error.message)
  await clock.advance(2_000)
  await append('broken-1', 'Broken')
  await clock.advance(2_000)
  expect(await failing).toBe('It broke.')
  const retire = () => readModels.change(fragile, () => ({ active: 1, retired: [0] }))
  return { clock, ending, follow, position, projector, retire }
}

describe('a read model that keeps failing', () => {
  test('is still seen where it came to last, and is not said to be followed', async () => {
    const { follow, position, projector } = await openFailing()
    const seen = [{ projection: 'fragile', generation: 0, position }]
    expect(projector.lastProgress).toMatchObject(seen)
    expect(projector.progress).toEqual([])
    await expect(follow()).rejects.toThrow('It broke.')
    expect(projector.lastProgress).toMatchObject(seen)
  })

  test('is seen no more when the role is lost', async () => {
    const { ending, projector } = await openFailing()
    ending.abort()
    expect(projector.lastProgress).toEqual([])
  })

  test('is seen no more when another generation has taken its place', async () => {
    const { clock, follow, projector, retire } = await openFailing()
    await retire()
    const dropping = follow()
    await clock.advance(10_000)
    await dropping
    expect(projector.lastProgress).toEqual([])
  })
})
