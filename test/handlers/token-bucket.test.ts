import { describe, expect, test } from 'vitest'
import { createTokenBucket } from '#handlers/token-bucket.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const taken = { taken: true }

const takeAll = (bucket: ReturnType<typeof createTokenBucket>): number => {
  let count = 0
  while (count < 1_000 && bucket.take().taken) count += 1
  return count
}

describe('a token bucket', () => {
  test('lets a second’s worth through at once, then says how long to wait', () => {
    const clock = createFakeClock()
    const bucket = createTokenBucket({ clock, ratePerSecond: 50 })
    expect(takeAll(bucket)).toBe(50)
    expect(bucket.take()).toEqual({ taken: false, waitMs: 20 })
  })

  test('has a token for whoever waited as long as it said', async () => {
    const clock = createFakeClock()
    const bucket = createTokenBucket({ clock, ratePerSecond: 3, burst: 1 })
    expect(bucket.take()).toEqual(taken)
    for (let times = 0; times < 20; times += 1) {
      const answer = bucket.take()
      if (answer.taken) throw new Error('That was too early.')
      await clock.advance(answer.waitMs)
      expect(bucket.take()).toEqual(taken)
    }
  })

  test('lets through its rate on average', async () => {
    const clock = createFakeClock()
    const bucket = createTokenBucket({ clock, ratePerSecond: 100, burst: 10 })
    let count = 0
    for (let times = 0; times < 100; times += 1) {
      count += takeAll(bucket)
      await clock.advance(50)
    }
    expect(count).toBeGreaterThanOrEqual(495)
    expect(count).toBeLessThanOrEqual(510)
  })

  test('saves no more than its burst', async () => {
    const clock = createFakeClock()
    const bucket = createTokenBucket({ clock, ratePerSecond: 10 })
    takeAll(bucket)
    await clock.advance(3_600_000)
    expect(takeAll(bucket)).toBe(10)
  })

  test('of less than one a second still has one', async () => {
    const clock = createFakeClock()
    const bucket = createTokenBucket({ clock, ratePerSecond: 0.5 })
    expect(bucket.take()).toEqual(taken)
    expect(bucket.take()).toEqual({ taken: false, waitMs: 2_000 })
    await clock.advance(2_000)
    expect(bucket.take()).toEqual(taken)
  })

  test('does not mind a wall clock that jumps', () => {
    const clock = createFakeClock()
    const bucket = createTokenBucket({ clock, ratePerSecond: 5 })
    takeAll(bucket)
    clock.jump(3_600_000)
    expect(bucket.take().taken).toBe(false)
    clock.jump(-7_200_000)
    expect(bucket.take()).toEqual({ taken: false, waitMs: 200 })
  })

  test('takes up a new rate', async () => {
    const clock = createFakeClock()
    const bucket = createTokenBucket({ clock, ratePerSecond: 100 })
    bucket.setRate(2)
    expect(takeAll(bucket)).toBe(2)
    await clock.advance(1_000)
    expect(takeAll(bucket)).toBe(2)
  })
})
