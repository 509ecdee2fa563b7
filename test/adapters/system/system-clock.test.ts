import { describe, expect, test } from 'vitest'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'

describe('the system clock', () => {
  const clock = createSystemClock()

  test('sleeps no longer than its signal allows, however long it should', async () => {
    const stop = new AbortController()
    const year = 365 * 24 * 3_600_000
    const sleeping = [clock.sleep(year, stop.signal), clock.sleep(2 ** 31 - 1, stop.signal)]
    let woken = false
    void Promise.race(sleeping).then(() => {
      woken = true
    })
    // A timer beyond 2^31 ms would have fired at once.
    await clock.sleep(5)
    expect(woken).toBe(false)
    stop.abort()
    await Promise.all(sleeping)
    await clock.sleep(year, stop.signal)
  })

  test('never goes back', async () => {
    const before = clock.monotonic()
    await clock.sleep(0)
    expect(clock.monotonic()).toBeGreaterThan(before)
  })
})

describe('the system random', () => {
  const random = createSystemRandom()

  test('gives what it says', () => {
    expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/)
    expect(random.uuid()).not.toBe(random.uuid())
    expect(random.fraction()).toBeLessThan(1)
    expect(Buffer.from(random.secret(32), 'base64url')).toHaveLength(32)
  })
})
