import { describe, expect, test } from 'vitest'
import { createIntake } from '#handlers/intake.ts'
import type { LaneDepth } from '#ports/work-queue.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const open = (volatile = true) => {
  const clock = createFakeClock()
  const state = { waiting: 0, counted: 0 }
  const depth = (): LaneDepth => ({
    ...{ lane: 'route', priority: 'normal', waiting: state.waiting, inFlight: 0, oldestAgeMs: 0 },
  })
  const queue = {
    volatile,
    depths: async () => {
      state.counted += 1
      return [depth(), depth()]
    },
  }
  const intake = createIntake({ queue, clock })
  const ask = async () => {
    const answer = { given: false }
    void intake(new AbortController().signal).then(() => {
      answer.given = true
    })
    await clock.advance(0)
    return answer
  }
  return { clock, state, intake, ask }
}

describe('the intake of batches', () => {
  test('is open while little waits', async () => {
    const { ask, state } = open()
    state.waiting = 75
    expect(await ask()).toEqual({ given: true })
  })

  test('waits until what waits is worked off', async () => {
    const { ask, clock, state } = open()
    state.waiting = 76
    const answer = await ask()
    await clock.advance(100)
    expect(answer.given).toBe(false)
    state.waiting = 10
    await clock.advance(10)
    expect(answer.given).toBe(true)
  })

  test('opens after a while although nothing is worked off', async () => {
    const { ask, clock, state } = open()
    state.waiting = 5_000
    const answer = await ask()
    await clock.advance(240)
    expect(answer.given).toBe(false)
    await clock.advance(20)
    expect(answer.given).toBe(true)
  })

  test('does not count for each who asks', async () => {
    const { ask, clock, state } = open()
    for (let asked = 0; asked < 20; asked += 1) await ask()
    expect(state.counted).toBe(1)
    await clock.advance(10)
    await ask()
    expect(state.counted).toBe(2)
  })

  test('ends for whoever leaves', async () => {
    const { clock, intake, state } = open()
    state.waiting = 5_000
    const leaving = new AbortController()
    const asked = intake(leaving.signal)
    leaving.abort()
    await clock.advance(0)
    await asked
  })

  test('leaves a queue outside this process alone', async () => {
    const { ask, state } = open(false)
    state.waiting = 1_000_000
    expect(await ask()).toEqual({ given: true })
    expect(state.counted).toBe(0)
  })
})
