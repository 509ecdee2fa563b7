import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { checkpointName, createProgressBoard, type Progress } from '#handlers/progress.ts'
import { createReadModels } from '#handlers/read-models.ts'
import type { Projection } from '#projections/projection.ts'
import { newEvent } from '../contracts/log-samples.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTenure } from '../support/tenure.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const notes: Projection = {
  name: 'notes',
  version: 1,
  indexes: [],
  idOf: () => undefined,
  evolve: () => undefined,
}

const open = () => {
  const events = createMemoryEventStore()
  const documents = createMemoryDocumentStore()
  const clock = createFakeClock()
  const checkpoints = createCheckpoints({ events, documents, log: silent })
  const readModels = createReadModels({ documents, clock })
  let own: readonly Progress[] = []
  const board = createProgressBoard({
    ...{ projections: [notes], own: () => own, events, checkpoints, readModels, clock },
  })
  let count = 0
  return {
    board,
    clock,
    readModels,
    append: () => {
      count += 1
      return events.append(`notes-${count}`, [newEvent({})], { expected: 'no-stream' })
    },
    /** As the projector of another process leaves it. */
    save: async (position: string, at: number, generation = 0) => {
      const held = await checkpoints.claim(checkpointName(notes, generation), openTenure())
      await held.save({ position, eventId: 'e', at })
    },
    follow: (progress: readonly Progress[]) => {
      own = progress
    },
  }
}

describe('how far a read model is', () => {
  test('is unknown until somebody looked', () => {
    const { board } = open()
    expect([board.progress, board.heldUntil(notes)]).toEqual([[], undefined])
  })

  test('is told by the checkpoint of who follows the log for it', async () => {
    const { board, append, save, clock } = open()
    const { position } = await append()
    await save(position, 1_000)
    await clock.advance(5_000)
    await board.look()
    expect(board.progress).toMatchObject([{ position, foldedAt: 1_000, caughtUp: true }])
    // No further than the moment of the look: what came after it may not be there.
    const lookedAt = clock.now()
    await clock.advance(400)
    expect(board.heldUntil(notes)).toBe(lookedAt)
    await append()
    await board.look()
    expect(board.progress).toMatchObject([{ position, foldedAt: 1_000, caughtUp: false }])
    expect(board.heldUntil(notes)).toBe(1_000)
  })

  test('is nothing while nobody has begun, unless the log is empty', async () => {
    const { board, append } = open()
    await board.look()
    expect(board.progress).toMatchObject([{ position: undefined, caughtUp: true }])
    await append()
    await board.look()
    expect(board.progress).toMatchObject([{ position: undefined, caughtUp: false, foldedAt: 0 }])
  })

  test('is told for a rebuild too', async () => {
    const { board, append, save, readModels } = open()
    const { position } = await append()
    await readModels.change(notes, (now) => ({ ...now, building: 1 }))
    await save(position, 1_000, 1)
    await board.look()
    expect(board.progress).toMatchObject([
      { generation: 0, caughtUp: false },
      { generation: 1, caughtUp: true },
    ])
  })

  test('is best known by who follows the log himself', async () => {
    const { board, follow, append, clock } = open()
    await append()
    await board.look()
    const mine = { projection: 'notes', generation: 0, position: '1', foldedAt: 7, caughtUp: true }
    follow([mine])
    expect(board.progress).toEqual([mine])
    expect(board.heldUntil(notes)).toBe(clock.now())
    follow([{ ...mine, caughtUp: false }])
    expect(board.heldUntil(notes)).toBe(7)
  })
})
