import { describe, expect, test } from 'vitest'
import type { Progress } from '#handlers/progress.ts'
import { createHealth } from '#src/app/health.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const open = () => {
  const clock = createFakeClock()
  const state = { caughtUp: true, foldedAt: clock.now(), isRight: true }
  const progress = (): readonly Progress[] => [
    { projection: 'notifications', generation: 0, position: '1', ...state },
  ]
  const credentials = { isPaused: () => false, isKnown: () => true, statuses: [] }
  const clockCheck = {
    get isRight() {
      return state.isRight
    },
  }
  const health = createHealth({
    ...{ credentials, progress, clock, clockCheck },
    lastFailure: () => undefined,
    silences: async () => [],
  })
  const codes = async () =>
    (await health()).problems.map(({ code }) => code).filter((code) => !code.startsWith('provider'))
  return { clock, state, health, codes }
}

describe('a process', () => {
  test('is ready while its read models are up to date, however long nothing happens', async () => {
    const { clock, health, codes } = open()
    await clock.advance(3_600_000)
    expect([(await health()).ready, await codes()]).toEqual([true, []])
  })

  test('is ready while another one takes the projector over after a long silence', async () => {
    const { clock, state, codes } = open()
    await clock.advance(3_600_000)
    await codes()
    state.caughtUp = false
    for (const _ of Array.from({ length: 20 })) {
      await clock.advance(1_000)
      expect(await codes()).toEqual([])
    }
    state.caughtUp = true
    expect(await codes()).toEqual([])
  })

  test('is not ready when a read model stays behind', async () => {
    const { clock, state, codes } = open()
    await codes()
    state.caughtUp = false
    await clock.advance(61_000)
    expect(await codes()).toEqual(['projection/behind'])
    state.foldedAt = clock.now() - 1_000
    expect(await codes()).toEqual([])
  })

  test('is not ready at the start when a read model has to be built', async () => {
    const { state, codes } = open()
    state.caughtUp = false
    state.foldedAt = 0
    expect(await codes()).toEqual(['projection/behind'])
  })

  test('is not ready with a clock that is wrong', async () => {
    const { state, health, codes } = open()
    state.isRight = false
    expect([(await health()).ready, await codes()]).toEqual([false, ['clock/differs']])
  })
})
