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

describe('wrong settings', () => {
  const begin = (problems: readonly string[]) => problems.map((each) => each.split(' ')[0]).sort()

  test('are all named at once, what is missing too', () => {
    const env = {
      PABAL_COLOUR: 'red',
      PABAL_PORT: 'x',
      PABAL_NATS_URL: 'nats://queue.example',
      PABAL_MONGODB_URL: 'documents.example',
      PABAL_TWILIO_FROM: '+1',
    }
    expect(begin(problemsOf(env))).toEqual([
      'PABAL_COLOUR',
      'PABAL_EVENTSTORE_URL',
      'PABAL_MONGODB_URL',
      'PABAL_PORT',
      'PABAL_SECRET',
      'PABAL_TWILIO_ACCOUNT_SID',
      'PABAL_TWILIO_AUTH_TOKEN',
    ])
  })

  test('that are not of their type contradict nothing', () => {
    const env = {
      PABAL_PUSH_BACKOFF_CAP_MS: '1',
      PABAL_SMS_BACKOFF_BASE_MS: 'soon',
      PABAL_SECRET: '',
    }
    expect(begin(problemsOf(env))).toEqual([
      'PABAL_PUSH_BACKOFF_CAP_MS',
      'PABAL_SECRET',
      'PABAL_SMS_BACKOFF_BASE_MS',
    ])
  })
})
