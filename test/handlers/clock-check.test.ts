import { describe, expect, test } from 'vitest'
import { createClockCheck } from '#handlers/clock-check.ts'
import { Unavailable } from '#ports/errors.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

const open = () => {
  const clock = createFakeClock()
  const state = { aheadMs: 0, uncertaintyMs: 0, takesMs: 0, down: false }
  const storeTime = {
    serverTime: async () => {
      if (state.down) throw new Unavailable('store/busy', 'Not now.')
      const now = clock.now() - state.aheadMs
      // The wall clock, which is what is measured, goes on meanwhile.
      clock.jump(state.takesMs)
      return { now, uncertaintyMs: state.uncertaintyMs }
    },
  }
  return { clock, state, check: createClockCheck({ storeTime, clock, log: silent }) }
}

describe('the clock', () => {
  test.each([
    [0, true],
    [5_000, true],
    [-5_000, true],
    [5_001, false],
    [-5_001, false],
    [3_600_000, false],
  ])('that is %i ms ahead of the store is right: %s', async (aheadMs, isRight) => {
    const { check, state } = open()
    state.aheadMs = aheadMs
    await check.look()
    expect([check.isRight, check.differenceMs]).toEqual([isRight, aheadMs])
    expect(check.wrong.aborted).toBe(!isRight)
  })

  test('is wrong only by what differs for sure', async () => {
    const { check, state } = open()
    state.aheadMs = 6_000
    state.uncertaintyMs = 1_500
    await check.look()
    expect(check.isRight).toBe(true)
    state.aheadMs = -7_000
    state.uncertaintyMs = 0
    state.takesMs = 2_500
    await check.look()
    expect(check.isRight).toBe(true)
  })

  test('is waited for until it is right again', async () => {
    const { check, state, clock } = open()
    const stopping = new AbortController()
    const running = check.run(stopping.signal)
    state.aheadMs = 10_000
    await clock.advance(10_000)
    const first = check.wrong
    expect(first.aborted).toBe(true)
    let right = false
    const waiting = check.untilRight(stopping.signal).then(() => {
      right = true
    })
    state.down = true
    await clock.advance(20_000)
    expect(right).toBe(false)
    state.down = false
    state.aheadMs = 0
    await clock.advance(10_000)
    await waiting
    expect([right, check.wrong.aborted]).toEqual([true, false])
    stopping.abort()
    await running
  })

  test('is right where there is no store to compare it with', async () => {
    const check = createClockCheck({ clock: createFakeClock(), log: silent })
    await check.look()
    await check.run(new AbortController().signal)
    await check.untilRight(new AbortController().signal)
    expect(check.isRight).toBe(true)
  })
})
