import { describe, expect, test } from 'vitest'
import { createRemovals } from '#handlers/removals.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const open = () => {
  const clock = createFakeClock()
  const lines: string[] = []
  const note = (message: string) => void lines.push(message)
  const log = { debug: note, info: note, warn: note, error: note }
  const removals = createRemovals({ clock, log })
  const times = (count: number, act: () => void) => {
    for (let done = 0; done < count; done += 1) act()
  }
  return {
    clock,
    lines,
    attempts: (count: number, dead = false, credential = 'twilio') =>
      times(count, () => removals.noteAttempt(credential, dead)),
    receipts: (count: number, dead = false, credential = 'twilio') =>
      times(count, () => removals.noteReceipt(credential, dead)),
    mayRemove: (credential = 'twilio') => removals.mayRemove(credential),
  }
}

describe('the guard over removals', () => {
  test('believes twenty dead endpoints a minute, and no more', () => {
    const { attempts, mayRemove, lines } = open()
    attempts(20, true)
    expect(mayRemove()).toBe(true)
    attempts(1, true)
    expect(mayRemove()).toBe(false)
    expect(lines).toHaveLength(1)
  })

  test('believes more when they are at most a twentieth', () => {
    const { attempts, mayRemove } = open()
    attempts(2_000)
    attempts(100, true)
    expect(mayRemove()).toBe(true)
    attempts(10, true)
    expect(mayRemove()).toBe(false)
  })

  test('begins anew after a minute', async () => {
    const { attempts, mayRemove, clock } = open()
    attempts(30, true)
    await clock.advance(60_001)
    attempts(1, true)
    expect(mayRemove()).toBe(true)
  })

  test('counts what receipts call dead with what answers did', () => {
    const { attempts, receipts, mayRemove } = open()
    attempts(15, true)
    receipts(5, true)
    expect(mayRemove()).toBe(true)
    receipts(1, true)
    expect(mayRemove()).toBe(false)
  })

  test('does not count a message twice because a receipt told of it too', () => {
    const { attempts, receipts, mayRemove } = open()
    attempts(1_000)
    receipts(950)
    receipts(50, true)
    expect(mayRemove()).toBe(true)
    receipts(1, true)
    expect(mayRemove()).toBe(false)
  })

  test('counts receipts where another process makes the attempts', () => {
    const { receipts, mayRemove } = open()
    receipts(2_000)
    receipts(100, true)
    expect(mayRemove()).toBe(true)
  })

  test('does not judge one credential by another', () => {
    const { receipts, mayRemove } = open()
    receipts(30, true, 'sendgrid')
    receipts(1, true)
    expect([mayRemove('sendgrid'), mayRemove()]).toEqual([false, true])
  })
})
