import { describe, expect, test } from 'vitest'
import { ConfigError, parseConfig, roleNames } from '#src/config.ts'

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    parseConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('the roles of a process', () => {
  test('are all, if nothing is said', () => {
    expect(parseConfig({}).roles).toEqual(roleNames)
  })

  test.each([
    ['api', ['api']],
    [' relay , timekeeper,projector ', ['relay', 'projector', 'timekeeper']],
    ['api,router,channels,api,', ['api', 'router', 'channels']],
  ])('are those that are named: %s', (list, roles) => {
    expect(parseConfig({ PABAL_ROLES: list }).roles).toEqual(roles)
  })

  test('that do not exist are refused, each by its name, beside everything else', () => {
    const problems = problemsOf({ PABAL_ROLES: 'api,routr,API', PABAL_SECRET: 'short' })
    expect(problems).toHaveLength(3)
    expect(problems.join('\n')).toContain('PABAL_ROLES: there is no role "routr"')
    expect(problems.join('\n')).toContain('PABAL_ROLES: there is no role "API"')
  })

  test.each(['', ',', ' , '])('are refused when there are none: "%s"', (list) => {
    expect(problemsOf({ PABAL_ROLES: list }).join('\n')).toContain('PABAL_ROLES')
  })
})
