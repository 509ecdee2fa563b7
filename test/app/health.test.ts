import { describe, expect, test } from 'vitest'
import type { Progress } from '#handlers/progress.ts'
import { createHealth } from '#src/app/health.ts'
import type { Silence } from '#src/app/probes.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const open = () => {
  const clock = createFakeClock()
  const silences: readonly Silence[] = []
  const state = { caughtUp: true, foldedAt: clock.now(), isRight: true, silences }
  const progress = (): readonly Progress[] => {
    const { caughtUp, foldedAt } = state
    return [{ projection: 'notifications', generation: 0, position: '1', caughtUp, foldedAt }]
  }
  const credentials = { isPaused: () => false, isKnown: () => true, statuses: [] }
  const clockCheck = {
    get isRight() {
      return state.isRight
    },
  }
  const health = createHealth({
    ...{ credentials, progress, clock, clockCheck },
    lastFailure: () => undefined,
    silences: async () => state.silences,
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

  test('names a read model that stays behind, and goes on to accept', async () => {
    const { clock, state, health, codes } = open()
    await codes()
    state.caughtUp = false
    await clock.advance(61_000)
    expect([(await health()).ready, await codes()]).toEqual([true, ['projection/behind']])
    state.foldedAt = clock.now() - 1_000
    expect(await codes()).toEqual([])
  })

  test('names a read model that has to be built at the start, and goes on to accept', async () => {
    const { state, health, codes } = open()
    state.caughtUp = false
    state.foldedAt = 0
    expect([(await health()).ready, await codes()]).toEqual([true, ['projection/behind']])
  })

  test('stays ready however long the store of the read models does not answer', async () => {
    const { clock, state, health, codes } = open()
    await codes()
    // What others say of themselves was looked at under load, and cannot be looked at again.
    state.caughtUp = false
    state.silences = [{ code: 'documents/no-answer', message: 'No answer.', halts: false }]
    await clock.advance(3_600_000)
    const named = ['documents/no-answer', 'projection/behind']
    expect([(await health()).ready, await codes()]).toEqual([true, named])
  })

  test('is not ready with a clock that is wrong', async () => {
    const { state, health, codes } = open()
    state.isRight = false
    expect([(await health()).ready, await codes()]).toEqual([false, ['clock/differs']])
  })
})
