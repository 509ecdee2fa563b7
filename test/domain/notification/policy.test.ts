import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { channels } from '#domain/notification/events.ts'
import {
  ambiguousResendsMax,
  askedDelayMs,
  defaultPolicies,
  parkAfterMs,
  resolveGraceMs,
  retryDelayMs,
} from '#domain/notification/policy.ts'
import { hour, second } from '../../support/given.ts'
import { smsPolicy } from './orders.ts'

const fractions = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const tries = fc.integer({ min: 1, max: 10_000 })

describe('the delay before a retry', () => {
  test.each([
    [1, 10 * second],
    [2, 20 * second],
    [3, 40 * second],
    [6, 320 * second],
    [7, 600 * second],
    [8, 600 * second],
    [10_000, 600 * second],
  ])('after %i failures is spread below %i ms', (failures, ceiling) => {
    expect(retryDelayMs(smsPolicy, failures, 0)).toBe(ceiling / 10)
    expect(retryDelayMs(smsPolicy, failures, 0.5)).toBe(Math.round(ceiling * 0.55))
    expect(retryDelayMs(smsPolicy, failures, 0.999_999)).toBeLessThanOrEqual(ceiling)
  })

  test('stays between a tenth of the ceiling and the cap, whatever happens', () => {
    fc.assert(
      fc.property(fc.constantFrom(...channels), tries, fractions, (channel, failures, fraction) => {
        const policy = defaultPolicies[channel]
        const delay = retryDelayMs(policy, failures, fraction)
        expect(delay).toBeGreaterThanOrEqual(policy.backoffBaseMs / 10)
        expect(delay).toBeLessThanOrEqual(policy.backoffCapMs)
      }),
    )
  })

  test('grows with every failure until it meets the cap', () => {
    fc.assert(
      fc.property(tries, fractions, (failures, fraction) => {
        const now = retryDelayMs(smsPolicy, failures, fraction)
        expect(retryDelayMs(smsPolicy, failures + 1, fraction)).toBeGreaterThanOrEqual(now)
      }),
    )
  })

  test('is never shorter than what the provider asked for, nor much longer than that or its own', () => {
    const asked = fc.integer({ min: 1, max: parkAfterMs })
    fc.assert(
      fc.property(asked, tries, fractions, (afterMs, failures, fraction) => {
        const delay = retryDelayMs(smsPolicy, failures, fraction, afterMs)
        expect(delay).toBeGreaterThanOrEqual(afterMs)
        const own = retryDelayMs(smsPolicy, failures, fraction)
        expect(delay).toBeGreaterThanOrEqual(own)
        expect(delay).toBeLessThanOrEqual(Math.max(own, afterMs + smsPolicy.backoffBaseMs))
      }),
    )
  })

  test.each([[0], [-5 * second], [Number.NaN], [undefined]])(
    'is its own when the provider asks for %s',
    (afterMs) => {
      expect(askedDelayMs(afterMs)).toBe(0)
      expect(retryDelayMs(smsPolicy, 1, 0, afterMs)).toBe(second)
    },
  )

  test('is bounded when the provider asks for ages', () => {
    expect(retryDelayMs(smsPolicy, 1, 0, Number.MAX_VALUE)).toBe(parkAfterMs)
    expect(askedDelayMs(Infinity)).toBe(parkAfterMs)
  })
})

describe('the default policies', () => {
  test('give every channel a deadline, a backoff and a cap', () => {
    expect(Object.keys(defaultPolicies).sort()).toEqual([...channels].sort())
    for (const policy of Object.values(defaultPolicies)) {
      expect(policy.deadlineMs).toBeGreaterThan(0)
      expect(policy.backoffCapMs).toBeGreaterThan(policy.backoffBaseMs)
    }
  })

  test('resend freely only where a repetition replaces the first message', () => {
    expect(channels.filter((each) => defaultPolicies[each].collapses)).toEqual(['push'])
  })

  test('are those of the design', () => {
    expect([resolveGraceMs, parkAfterMs, ambiguousResendsMax]).toEqual([15 * second, 72 * hour, 2])
  })
})
