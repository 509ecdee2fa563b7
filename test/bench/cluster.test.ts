import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { notificationIdOf } from '#domain/identity.ts'
import { rateBetween, watchFollower } from '../../bench/cluster/follow.ts'
import { measureFollowers } from '../../bench/cluster/followers.ts'
import { providerLatencies } from '../../bench/cluster/provider-latency.ts'
import { findServers } from '../../bench/cluster/servers.ts'
import { openStores } from '../../bench/cluster/stores.ts'
import { findPrograms, ProgramMissing } from '../../deploy/cluster/programs.ts'
import { startCluster } from '../../deploy/cluster/start-cluster.ts'
import { clusterAvailable, noCluster } from '../support/real-cluster.ts'

describe('the way to a provider', () => {
  const eventIdOf = (number: number) => `event-${number}`
  const requests = { count: 2, eventIdOf, dueAt: (number: number) => 1_000 + number * 10 }
  const line = (number: number, at: number) => ({
    at,
    correlation: `${notificationIdOf('default', eventIdOf(number))}.d1`,
  })
  test('is timed from when a request was due to its first message', () =>
    expect(providerLatencies([line(0, 1_005), line(1, 1_090), line(1, 1_030)], requests)).toEqual({
      p50Ms: 5,
      p99Ms: 20,
    }))
  test('has an end for each of them', () =>
    expect(() => providerLatencies([line(0, 1_005)], requests)).toThrow('never came'))
})

describe('a follower', () => {
  test('is judged by its events and its own time between two looks', () => {
    const [first, last] = [
      { atMs: 500, cpuMs: 40, steps: 100 },
      { atMs: 2_500, cpuMs: 140, steps: 600 },
    ]
    expect(rateBetween(first, last, 4)).toEqual({ perSecond: 1_000, cpuMicros: 50 })
  })
  test('is watched until it has come to its goal', async () => {
    let steps = 0
    const goal = { count: async () => steps++, target: 5, eventsPerStep: 2 }
    await watchFollower(process.pid, goal)
    expect(steps).toBe(6)
  })
})

describe('without servers', () => {
  test('there is no measurement, but a word about what is missing', () => {
    const find = () => findServers({ PATH: '', PABAL_TEST_NATS_SERVER: '' })
    if (clusterAvailable) expect(find).not.toThrow()
    else expect(find).toThrow(ProgramMissing)
  })

  test('but with addresses those are used, each benchmark in a database of its own', async () => {
    const found = findServers({
      PABAL_TEST_NATS_URL: 'nats://127.0.0.1:4222',
      PABAL_TEST_MONGODB_URL: 'mongodb://user:password@127.0.0.1:27017/mine',
      PABAL_TEST_EVENTSTOREDB_URL: 'esdb://127.0.0.1:2113?tls=false',
    })
    expect(found).toMatchObject({
      natsServer: 'nats://127.0.0.1:4222',
      eventStore: 'esdb://127.0.0.1:2113?tls=false',
    })
    expect(found.mongodbServer).toMatch(/\/pabal-bench-[-0-9a-f]+\?authSource=mine$/)
    expect(found.shown).not.toContain('password')
  })
})

describe.skipIf(!clusterAvailable)(`the followers on a cluster ${noCluster}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'pabal-bench-test-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  test('are each followed through the whole log', async () => {
    const programs = findPrograms(process.env)
    await using cluster = await startCluster({ directory, programs, processes: [] })
    await using stores = await openStores(cluster.servers)
    const said: string[] = []
    const options = { directory, events: 2_000, recipients: 10 }
    const figures = await measureFollowers(cluster, stores, options, (line) => said.push(line))
    for (const each of Object.values(figures)) expect(each.perSecond).toBeGreaterThan(0)
    expect(said.map((line) => line.split(':')[0])).toEqual([
      ...['2000 events are in the log', 'relay', 'feed', 'projector'],
    ])
  }, 120_000)
})
