import { describe, expect, test } from 'vitest'
import { parseResetAt, parseRetryAfter } from '../../../src/adapters/wire/retry-after.ts'

const now = Date.UTC(2026, 0, 31, 12)

describe('Retry-After', () => {
  test('is seconds or a date', () => {
    expect(parseRetryAfter('0', now)).toBe(0)
    expect(parseRetryAfter(' 120 ', now)).toBe(120_000)
    expect(parseRetryAfter('Sat, 31 Jan 2026 12:00:30 GMT', now)).toBe(30_000)
    expect(parseRetryAfter(['5', '9'], now)).toBe(5_000)
  })

  test('is never in the past and a day at most', () => {
    expect(parseRetryAfter('Fri, 30 Jan 2026 12:00:00 GMT', now)).toBe(0)
    expect(parseRetryAfter('99999999999999999999', now)).toBe(86_400_000)
    expect(parseRetryAfter('Sat, 31 Jan 2099 12:00:00 GMT', now)).toBe(86_400_000)
  })

  test('is nothing if it is nonsense', () => {
    for (const text of [undefined, '', 'soon', '-', 'NaN', '1e'])
      expect(parseRetryAfter(text, now)).toBeUndefined()
  })
})

describe('x-ratelimit-reset', () => {
  test('is a time in seconds', () => {
    expect(parseResetAt(String(now / 1_000 + 7), now)).toBe(7_000)
    expect(parseResetAt(String(now / 1_000 - 7), now)).toBe(0)
    for (const text of [undefined, '', 'soon', '-1'])
      expect(parseResetAt(text, now)).toBeUndefined()
  })
})
