import { describe, expect, test } from 'vitest'
import { crashPointNames } from '#ports/crash-points.ts'
import { countByPoint, planKills } from '../../campaigns/crash/kill-plan.ts'
import { isGood, missedPoints } from '../../campaigns/crash/result.ts'
import { type Evidence, judge } from '../../campaigns/judging/verdict.ts'
import { createSubmission } from '../../campaigns/load/requests.ts'

const id = '00000000-0000-4000-8000-000000000001'
const delivery = `${id}.d1`

const nothing: Evidence = {
  book: { answered: [], wrongAnswers: [] },
  ledger: [],
  log: { notifications: new Map(), ambiguous: new Map(), fences: new Set() },
  audit: { differences: [] },
  logLines: [],
}

/** Requests of a delivery by their attempts, and the attempts that stand in the log. */
const sends = (attempts: readonly number[], fenced: readonly number[], ambiguous: number[] = []) =>
  judge({
    ...nothing,
    ledger: attempts.map((each) => {
      return { correlation: delivery, attemptRef: `${delivery}.${each}`, taken: true }
    }),
    log: {
      notifications: new Map(),
      fences: new Set(fenced.map((each) => `${delivery}.${each}`)),
      ambiguous: new Map([[delivery, new Set(ambiguous)]]),
    },
  })

describe('the verdict of the crash campaign', () => {
  test('is good when nothing happened', () => {
    expect(judge(nothing).problems).toEqual([])
  })

  test('calls an answer without a stream lost', () => {
    const answered = [createSubmission(1, 1, 0)]
    const verdict = judge({ ...nothing, book: { answered, wrongAnswers: [] } })
    expect(verdict).toMatchObject({ accepted: 1, lost: 1, problems: [{ is: 'no-stream' }] })
  })

  test('lets an ambiguous attempt explain a second send', () => {
    const verdict = sends([1, 2], [1, 2], [1])
    expect(verdict).toMatchObject({ duplicateSends: 1, ambiguous: 1, problems: [] })
  })

  test('finds a second send that nothing explains', () => {
    const verdict = sends([1, 2], [1, 2])
    expect(verdict).toMatchObject({ duplicateSends: 1, unexplainedDuplicates: 1 })
  })

  test('finds an attempt that was made twice, though another one was ambiguous', () => {
    expect(sends([1, 2, 2], [1, 2], [1, 2]).unexplainedDuplicates).toBe(1)
  })

  test('finds a send that the log did not know of before', () => {
    expect(sends([1, 2], [1], [1]).problems).toEqual([{ is: 'not-fenced', what: `${delivery}.2` }])
  })

  test('is bad when an answer changed or the service complained', () => {
    const book = { answered: [], wrongAnswers: ['another answer'] }
    const { problems } = judge({ ...nothing, book, logLines: ['1 × Work failed.'] })
    expect(problems.map(({ is }) => is)).toEqual(['wrong-answer', 'log-line'])
  })
})

describe('the plan of kills', () => {
  const plan = planKills({ kills: 500, seed: 1 })

  test('has 30 and more of 500 at each point, and others at random times', () => {
    const counts = countByPoint(plan.map(({ at }) => at))
    expect(plan).toHaveLength(500)
    for (const point of crashPointNames) expect(counts[point]).toBeGreaterThanOrEqual(30)
    expect(counts.random).toBeGreaterThan(0)
  })

  test('is the same for the same seed, and another for another', () => {
    expect(planKills({ kills: 500, seed: 1 })).toEqual(plan)
    expect(planKills({ kills: 500, seed: 2 })).not.toEqual(plan)
  })

  test('fails when a point was killed at less often than planned', () => {
    const report = { problems: [], planned: { claimed: 2, random: 1 }, byPoint: { claimed: 1 } }
    expect(missedPoints(report)).toEqual(['claimed'])
    expect(isGood(report)).toBe(false)
  })
})
