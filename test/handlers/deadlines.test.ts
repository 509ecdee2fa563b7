import { describe, expect, test } from 'vitest'
import { createDeadlines } from '#handlers/deadlines.ts'
import { createFakeClock } from '../support/fake-clock.ts'

describe('a deadline', () => {
  test('fires when its time is up, and not before', async () => {
    const clock = createFakeClock()
    const deadline = createDeadlines(clock)(1_000)
    await clock.advance(999)
    expect(deadline.signal.aborted).toBe(false)
    await clock.advance(26)
    expect(deadline.signal.aborted).toBe(true)
  })

  test('never fires once it was ended', async () => {
    const clock = createFakeClock()
    const within = createDeadlines(clock)
    const [ended, other] = [within(1_000), within(1_000)]
    ended.end()
    await clock.advance(2_000)
    expect([ended.signal.aborted, other.signal.aborted]).toEqual([false, true])
  })

  test('shares its timer with those of about the same time', async () => {
    const clock = createFakeClock()
    const within = createDeadlines(clock)
    const deadlines = Array.from({ length: 100 }, () => within(1_000))
    expect(clock.sleeping()).toBe(1)
    for (const each of deadlines) each.end()
    expect(clock.sleeping()).toBe(0)
  })

  test('can be set anew after all others of its time were ended', async () => {
    const clock = createFakeClock()
    const within = createDeadlines(clock)
    within(1_000).end()
    const again = within(1_000)
    await clock.advance(1_025)
    expect(again.signal.aborted).toBe(true)
  })
})
