import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import {
  decideRecovery,
  evolveRecovery,
  type MarkCommand,
  type Recovery,
} from '#domain/recovery/recovery.ts'
import { type Fact, fact, recorded, t0 } from '../../support/given.ts'

const recoveryOf = (facts: readonly Fact[]) =>
  recorded(facts).reduce<Recovery | undefined>(evolveRecovery, undefined)

const mark = (position: number, newestAt: number, unlistedSince?: number): MarkCommand => ({
  do: 'mark',
  place: { position: String(position), eventId: `e${position}` },
  newestAt,
  ...(unlistedSince !== undefined && { unlistedSince }),
})
const marksOf = (...commands: readonly MarkCommand[]): readonly Fact[] => {
  const facts: Fact[] = []
  for (const command of commands) {
    for (const { type, data } of decideRecovery(recoveryOf(facts), command)) {
      facts.push(fact(type, data))
    }
  }
  return facts
}
const lastFrom = (facts: readonly Fact[]) => recoveryOf(facts)?.last?.from?.position

describe('a mark', () => {
  test('begins where the read model stands when all that is open is listed', () => {
    expect(lastFrom(marksOf(mark(10, t0), mark(20, t0 + 5)))).toBe('20')
  })

  test('begins before what is open and not listed', () => {
    expect(lastFrom(marksOf(mark(10, t0), mark(20, t0 + 5), mark(30, t0 + 9, t0 + 6)))).toBe('20')
  })

  test('does not trust a place where an event was as late as that', () => {
    expect(lastFrom(marksOf(mark(10, t0), mark(20, t0 + 6), mark(30, t0 + 9, t0 + 6)))).toBe('10')
  })

  test('means the whole log when no place is early enough', () => {
    const facts = marksOf(mark(10, t0), mark(20, t0 + 9, t0))
    expect(recoveryOf(facts)?.last).not.toHaveProperty('from')
  })

  test('is not made twice at one place', () => {
    expect(marksOf(mark(10, t0), mark(10, t0))).toHaveLength(1)
  })
})

test('an event of a newer version stops it', () => {
  expect(() => recoveryOf([fact('RecoveryForgotten', {})])).toThrow(UnknownEvent)
})

/** A log in small: each event opens a notification or finishes an earlier one, at whatever time a clock said. */
const histories = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 50 }),
    /** Which open one this event finishes; none is left: it opens one. */
    finishes: fc.option(fc.nat({ max: 5 }), { nil: undefined }),
    marks: fc.boolean(),
  }),
  { maxLength: 60 },
)

describe('whatever clocks did', () => {
  test('all that is open at a mark is listed, or begins behind where it points', () => {
    fc.assert(
      fc.property(histories, fc.nat({ max: 4 }), (history, listedMax) => {
        let state: Recovery | undefined
        let open: { readonly position: number; readonly since: number }[] = []
        let newestAt = 0
        history.forEach(({ at, finishes, marks }, index) => {
          const position = index + 1
          newestAt = Math.max(newestAt, at)
          const finished = finishes === undefined ? undefined : open[finishes]
          if (finished) open = open.filter((each) => each !== finished)
          else open.push({ position, since: at })
          if (!marks) return
          const oldest = open.toSorted((a, b) => a.since - b.since)
          const command = mark(position, newestAt, oldest[listedMax]?.since)
          for (const each of decideRecovery(state, command)) {
            const [recordedFact] = recorded([fact(each.type, each.data)])
            state = evolveRecovery(state, {
              ...recordedFact!,
              revision: (state?.revision ?? -1) + 1,
            })
          }
          const from = Number(state?.last?.from?.position ?? 0)
          const unlisted = oldest.slice(listedMax)
          expect(unlisted.filter((each) => each.position <= from)).toEqual([])
        })
      }),
    )
  })
})
