import { describe, expect, test } from 'vitest'
import { isOf, judge, leapOf, renewed, type Sighting, taken } from '#handlers/lease.ts'
import type { StoredDocument } from '#ports/document-store.ts'

const mine = { token: '0000002a-0000-4000-8000-000000000000', holder: 'here:1' }
const theirs = { token: '00000500-0000-4000-8000-000000000000', holder: 'there:2' }
const at = (ms: number) => ({ askedMs: ms, answeredMs: ms })

/** What a standby makes of what it sees at these times. */
const watch = (
  looks: readonly (readonly [ms: number, document: StoredDocument | undefined])[],
): readonly string[] => {
  let seen: Sighting | undefined
  return looks.map(([ms, document]) => {
    const verdict = judge(document, at(ms), { seen })
    seen = verdict.is === 'held' ? verdict.seen : undefined
    return verdict.is
  })
}

describe('a lease', () => {
  const held = taken('relay', undefined, theirs)

  test('that nobody has is free', () => {
    expect(judge(undefined, at(0), {}).is).toBe('free')
  })

  test('is free when its counter stood still for fifteen seconds, and not before', () => {
    expect(
      watch([
        [100, held],
        [5_000, held],
        [15_099, held],
        [15_100, held],
      ]),
    ).toEqual(['held', 'held', 'held', 'free'])
  })

  test('is held for as long as its counter moves', () => {
    let document = held
    const looks = Array.from({ length: 100 }, (_, index) => {
      document = renewed(document)
      return [index * 14_000, document] as const
    })
    expect(new Set(watch(looks))).toEqual(new Set(['held']))
  })

  test('is held anew by another token, even where the counter is the same', () => {
    const other = taken('relay', held, mine)
    expect(
      watch([
        [0, held],
        [14_000, other],
        [16_000, other],
        [28_999, other],
        [29_000, other],
      ]),
    ).toEqual(['held', 'held', 'held', 'held', 'free'])
  })

  test('is not free for a standby that was asleep between its question and the answer', () => {
    const first = judge(held, { askedMs: 0, answeredMs: 60_000 }, {})
    if (first.is !== 'held') throw new Error('It is held.')
    const second = judge(held, { askedMs: 60_100, answeredMs: 200_000 }, { seen: first.seen })
    expect(second.is).toBe('held')
  })

  test('is free at once when it was given back', () => {
    expect(judge(renewed(held, true), at(0), {}).is).toBe('free')
  })

  test('is ours when we took it and were not told', () => {
    expect(judge(taken('relay', held, mine), at(0), { own: mine.token }).is).toBe('ours')
    expect(judge(held, at(0), { own: mine.token }).is).toBe('held')
  })

  test('has a version that grows, by more than chance would meet again', () => {
    const next = taken('relay', held, mine)
    expect(next.version - held.version).toBe(leapOf(mine.token))
    expect(leapOf(mine.token)).toBe(43)
    expect(renewed(next).version).toBe(next.version + 1)
    expect(isOf(mine.token, renewed(next))).toBe(true)
    expect(isOf(theirs.token, next)).toBe(false)
    expect(isOf(mine.token, undefined)).toBe(false)
  })
})
