import { describe, expect, test } from 'vitest'
import { CheckpointMoved, type HeldCheckpoint, type Place } from '#handlers/checkpoints.ts'
import { createPlaceKeeper } from '#handlers/place-keeper.ts'
import { createFakeClock, settle } from '../support/fake-clock.ts'

const placeOf = (position: string): Place => ({ position, eventId: position, at: 0 })

const open = () => {
  const clock = createFakeClock()
  const saved: string[] = []
  let store = Promise.resolve()
  const checkpoint = {
    trySave: async ({ position }: Place) => {
      saved.push(position)
      await store
    },
  } as HeldCheckpoint
  const keeper = createPlaceKeeper(checkpoint, clock, new AbortController().signal)
  /** From now on a call of the store ends when the answer settles. */
  const answerWith = (answer: Promise<void>) => {
    store = answer
  }
  return { clock, saved, keeper, answerWith }
}

describe('the place of a follower', () => {
  test('is saved at once the first time, then once a second, and at the end', async () => {
    const { clock, saved, keeper } = open()
    for (const position of ['1', '2']) keeper.note(placeOf(position))
    await settle()
    expect(saved).toEqual(['1'])
    await clock.advance(1_000)
    for (const position of ['3', '4']) keeper.note(placeOf(position))
    await settle()
    expect(saved).toEqual(['1', '3'])
    await keeper.end()
    expect(saved).toEqual(['1', '3', '4'])
  })

  test('is not waited for, and not written twice at a time', async () => {
    const { clock, saved, keeper, answerWith } = open()
    const answer = Promise.withResolvers<void>()
    answerWith(answer.promise)
    for (const position of ['1', '2', '3']) {
      keeper.note(placeOf(position))
      await clock.advance(5_000)
    }
    expect(saved).toEqual(['1'])
    answer.resolve()
    await settle()
    keeper.note(placeOf('4'))
    await settle()
    expect(saved).toEqual(['1', '4'])
  })

  test('that another has taken over ends the follower', async () => {
    const { keeper, answerWith } = open()
    answerWith(Promise.reject(new CheckpointMoved('relay')))
    keeper.note(placeOf('1'))
    await settle()
    expect(keeper.signal.aborted).toBe(true)
    await expect(keeper.end()).rejects.toThrow(CheckpointMoved)
  })

  test('that another has taken over in the end is of no use any more', async () => {
    const { saved, keeper, answerWith } = open()
    keeper.note(placeOf('1'))
    await settle()
    keeper.note(placeOf('2'))
    answerWith(Promise.reject(new CheckpointMoved('relay')))
    await keeper.end()
    expect(saved).toEqual(['1', '2'])
  })
})
