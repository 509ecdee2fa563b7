import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { natsOptionsOf } from '#src/app/nats-options.ts'
import { ConfigError, type Env, isCluster, parseConfig } from '#src/config.ts'

const cluster = {
  PABAL_EVENTSTORE_URL: 'esdb://admin:changeit@events.example:2113?tls=false',
  PABAL_NATS_URL: 'nats://queue.example:4222',
  PABAL_MONGODB_URL: 'mongodb://pabal:s3cret@documents.example/pabal?replicaSet=rs0',
  PABAL_SECRET: 'x'.repeat(32),
}

const problemsOf = (env: Env): readonly string[] => {
  try {
    parseConfig(env)
    return []
  } catch (error) {
    return (error as ConfigError).problems
  }
}

describe('the settings of a cluster', () => {
  test('are none: log and read models are in the data directory', () => {
    expect(isCluster(parseConfig({}))).toBe(false)
  })

  test('are all three addresses and the shared key', () => {
    const config = parseConfig(cluster)
    expect(isCluster(config)).toBe(true)
    expect(config.eventstoreUrl?.reveal()).toBe(cluster.PABAL_EVENTSTORE_URL)
    expect(config.eventstoreAppend).toBe('classic')
  })

  test.each(Object.keys(cluster))('without %s are refused, and it is named', (missing) => {
    const { [missing as keyof typeof cluster]: _gone, ...rest } = cluster
    const problems = problemsOf(rest)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(missing)
  })

  test('of which only one is there name every one that is missing', () => {
    const problems = problemsOf({ PABAL_NATS_URL: cluster.PABAL_NATS_URL })
    for (const name of ['PABAL_EVENTSTORE_URL', 'PABAL_MONGODB_URL', 'PABAL_SECRET']) {
      expect(problems.filter((each) => each.startsWith(`${name} is missing`))).toHaveLength(1)
    }
  })

  test.each([
    ['PABAL_EVENTSTORE_URL', 'http://admin:pass-word@events.example:2113'],
    ['PABAL_NATS_URL', 'queue:pass-word@queue.example:4222'],
    ['PABAL_MONGODB_URL', 'mongo://pabal:pass-word@documents.example/pabal'],
  ])('with an address of another kind are refused without quoting it: %s', (name, value) => {
    const problems = problemsOf({ ...cluster, [name]: value })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(name)
    expect(problems[0]).not.toContain('pass-word')
  })

  test.each(['esdb+discover://a,b,c', 'kurrentdb://a:2113', 'kurrentdb+discover://a'])(
    'take %s',
    (url) => {
      expect(problemsOf({ ...cluster, PABAL_EVENTSTORE_URL: url })).toEqual([])
    },
  )

  test('take the user of NATS from one place', () => {
    const named = { ...cluster, PABAL_NATS_CREDENTIALS_FILE: '/etc/pabal/nats.creds' }
    expect(problemsOf(named)).toEqual([])
    const twice = problemsOf({ ...named, PABAL_NATS_URL: 'nats://pabal:pass-word@queue.example' })
    expect(twice).toHaveLength(1)
    expect(twice[0]).toMatch(/PABAL_NATS_CREDENTIALS_FILE.*PABAL_NATS_URL/)
    expect(twice[0]).not.toContain('pass-word')
  })

  test('say how NATS is reached: the queue, the feed and the doctor are told the same', () => {
    const config = parseConfig({
      ...cluster,
      PABAL_NATS_CREDENTIALS_FILE: '/etc/pabal/nats.creds',
      PABAL_NATS_CA_FILE: '/etc/pabal/ca.pem',
    })
    expect(isCluster(config) && natsOptionsOf(config)).toEqual({
      url: cluster.PABAL_NATS_URL,
      replicas: 1,
      credentialsPath: '/etc/pabal/nats.creds',
      caPath: '/etc/pabal/ca.pem',
    })
  })

  test('name several wrong things at once', () => {
    const wrong = {
      ...cluster,
      PABAL_SECRET: 'short',
      PABAL_NATS_URL: 'x',
      PABAL_NATS_REPLICAS: '2',
    }
    expect(problemsOf(wrong)).toHaveLength(3)
  })

  test('print no password', () => {
    const config = parseConfig(cluster)
    for (const printed of [JSON.stringify(config), inspect(config), `${config.mongodbUrl}`]) {
      expect(printed).not.toMatch(/changeit|s3cret|xxxx/)
    }
    expect(new ConfigError(['x']).message).not.toContain('changeit')
  })
})
