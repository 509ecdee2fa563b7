import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { checkpointName } from '#handlers/progress.ts'
import { createProjector } from '#handlers/projector.ts'
import { createReadModels } from '#handlers/read-models.ts'
import type { Log } from '#ports/log.ts'
import type { Projection } from '#projections/projection.ts'
import { newEvent } from '../contracts/log-samples.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTenure } from '../support/tenure.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** Counts events by stream; those of type `Step` are followed by another one within moments. */
const counts: Projection = {
  name: 'counts',
  version: 1,
  indexes: [],
  idOf: (event) => (event.type === 'Foreign' ? undefined : event.stream),
  evolve: (body) => ({ count: Number(body?.count ?? 0) + 1 }),
  moreFollows: (event) => event.type === 'Step',
}

const openProjector = async () => {
  const events = createMemoryEventStore()
  const documents = createMemoryDocumentStore()
  const clock = createFakeClock()
  const stopping = new AbortController()
  const checkpoints = createCheckpoints({ events, documents, log: silent })
  const readModels = createReadModels({ documents, clock })
  const parts = { events, documents, clock, checkpoints, readModels, log: silent }
  const reached: string[] = []
  const crashPoints = { ...unarmedCrashPoints, reach: (point: string) => void reached.push(point) }
  const projector = createProjector({ ...parts, crashPoints })
  const append = (stream: string, type: string) =>
    events.append(stream, [newEvent({ type })], { expected: 'no-stream' })
  let following: Promise<void> | undefined
  return {
    clock,
    reached,
    append,
    follow: () => {
      following = projector.follow(counts, 0, openTenure(stopping.signal))
    },
    /** As another process would find it: none if it does not fit the log. */
    checkpoint: () =>
      createCheckpoints({ events, documents, log: silent }).load(checkpointName(counts, 0)),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await following
    },
  }
}

describe('the checkpoint of a projector', () => {
  test('fits the log when the page before held something back', async () => {
    await using projector = await openProjector()
    const { clock, append } = projector
    // Enough for a page under load; the newest is kept back for what may follow it.
    for (let n = 0; n < 50; n += 1) await append(`plain-${n}`, 'Plain')
    await append('step-1', 'Step')
    projector.follow()
    await clock.advance(1)
    const { position } = await append('plain-50', 'Plain')
    await clock.advance(1_000)
    expect(await projector.checkpoint()).toMatchObject({ position })
  })

  test('is behind what was projected only where something was', async () => {
    await using projector = await openProjector()
    const { clock, append, reached } = projector
    projector.follow()
    await append('foreign-1', 'Foreign')
    await clock.advance(1_000)
    expect(reached).toEqual([])
    await append('plain-1', 'Plain')
    await clock.advance(1_000)
    expect(reached).toEqual(['projected-checkpoint-not-written'])
  })
})
