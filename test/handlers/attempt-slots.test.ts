import { describe, expect, test } from 'vitest'
import { createAttemptSlots } from '#handlers/attempt-slots.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const open = (limitMax: number) => {
  const clock = createFakeClock()
  const slots = createAttemptSlots({ clock, limitMax })
  const leaving = new AbortController()
  const enter = () => slots.enter(leaving.signal)
  return { clock, slots, enter, leaving }
}

describe('slots for attempts', () => {
  test('are as many as there may be while the log is fast', async () => {
    const { enter, slots } = open(3)
    const held = [await enter(), await enter(), await enter()]
    let fourth = false
    const entering = enter().then((slot) => {
      fourth = true
      return slot
    })
    await Promise.resolve()
    expect(fourth).toBe(false)
    held[0]?.fenced(20)
    held[0]?.leave()
    held[0]?.leave()
    await entering
    expect(slots.limit).toBe(3)
  })

  test('are halved by fences that came late, once for all that were under way', async () => {
    const { clock, enter, slots } = open(64)
    const held = await Promise.all(Array.from({ length: 64 }, enter))
    await clock.advance(1_000)
    for (const each of held) each.fenced(1_000)
    expect(slots.limit).toBe(32)
    for (const each of held) each.leave()
    for (let round = 0; round < 10; round += 1) {
      const slot = await enter()
      await clock.advance(1_000)
      slot.fenced(1_000)
      slot.leave()
    }
    expect(slots.limit).toBe(4)
  })

  test('come back, one for each round of fences in time', async () => {
    const { enter, slots } = open(10)
    const late = await enter()
    late.fenced(600)
    late.leave()
    expect(slots.limit).toBe(5)
    for (let made = 0; made < 6; made += 1) {
      const slot = await enter()
      slot.fenced(10)
      slot.leave()
    }
    expect(slots.limit).toBe(6)
    for (let made = 0; made < 100; made += 1) {
      const slot = await enter()
      slot.fenced(10)
      slot.leave()
    }
    expect(slots.limit).toBe(10)
  })

  test('hold nobody back who has to stop', async () => {
    const { enter, leaving } = open(1)
    const held = await enter()
    const entering = enter()
    leaving.abort()
    const late = await entering
    late.leave()
    held.leave()
    await enter()
  })
})
