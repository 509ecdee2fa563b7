import { describe, expect, test } from 'vitest'
import { ApiProblem, apiCodes, problemOf, problems } from '#api/problems.ts'
import { Refusal, refusalCodes } from '#domain/recorded-fact.ts'

const codes = [...refusalCodes, ...apiCodes]

describe('the table of problems', () => {
  test('has every code once, and nothing else', () => {
    expect(new Set(codes).size).toBe(codes.length)
    expect(Object.keys(problems).sort()).toEqual([...codes].sort())
  })

  test.each(codes)('answers %s with its status, a title and a type', (code) => {
    const { status, title } = problems[code]
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
    const thrown = (refusalCodes as readonly string[]).includes(code)
      ? new Refusal(code as never, 'No.', '/a')
      : new ApiProblem(code, 'No.', { pointer: '/a' })
    expect(problemOf(thrown).problem).toEqual({
      ...{ type: `/errors#${code}`, title, status, code },
      ...{ detail: 'No.', pointer: '/a' },
    })
  })

  test('keeps what was thrown as a bug from everybody outside', () => {
    for (const thrown of [new Error('secret'), 'secret', undefined, { code: 'toString' }]) {
      const { problem, bug } = problemOf(thrown)
      expect(problem.code).toBe('internal')
      expect(JSON.stringify(problem)).not.toContain('secret')
      expect(bug).toBeInstanceOf(Error)
    }
  })
})
