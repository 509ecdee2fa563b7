import { describe, expect, test } from 'vitest'
import { inspectNats, ofReplicas } from '#adapters/nats/inspect.ts'
import { openNatsEventFeed } from '#adapters/nats/nats-event-feed.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { newItems } from '../../contracts/work-samples.ts'
import { startNatsCluster } from '../../support/nats/nats-cluster.ts'
import { natsServerProgram } from '../../support/nats/nats-server.ts'
import { administer, openQueue, silentLog } from '../../support/nats/open-queue.ts'
import { until } from '../../support/nats/until.ts'

const clock = createSystemClock()
/** Servers choose leaders after a start and after a loss: seconds each time, more on a busy machine. */
const electionMaxMs = 40_000
const urls = (count: number) => Array.from({ length: count }, (_, at) => `10.0.0.${at}:4222`)

describe('the copies of the queue that are asked for', () => {
  test.each([
    ['on a single server', 3, {}, 'wrong', 'queue/replicas-impossible'],
    ['with a server of the cluster away', 3, { urls: urls(2) }, 'warning', 'queue/servers-missing'],
    ['in a cluster that tells nothing', 3, { urls: undefined }, 'ok', 'ok'],
    ['in such a cluster, being one', 1, { urls: [] }, 'ok', 'ok'],
    ['being one of three servers', 1, { urls: urls(3) }, 'warning', 'queue/not-replicated'],
  ])('%s', (_, replicas, told: { urls?: string[] | undefined }, level, code) => {
    const info = 'urls' in told ? { cluster: 'c', connect_urls: told.urls } : {}
    expect(ofReplicas(info as Parameters<typeof ofReplicas>[0], replicas)).toMatchObject([
      { level, code },
    ])
  })

  test.each([
    [1, undefined, 0],
    [1, 'c', 2],
    [3, 'c', 3],
  ])('are fine: %d, cluster %s of %d', (replicas, cluster, count) => {
    const info = { ...(cluster && { cluster }), connect_urls: urls(count) }
    expect(ofReplicas(info, replicas)).toEqual([])
  })
})

const here = natsServerProgram !== undefined

describe.skipIf(!here)(here ? 'a cluster of NATS' : 'a cluster (no nats-server here)', () => {
  /** Leaders are chosen anew after a loss; a process that starts meanwhile is started again. */
  const opens = async (url: string, replicas: number): Promise<void> =>
    until(async () => {
      try {
        await using queue = await openQueue(url, { replicas })
        await using _feed = await openNatsEventFeed({ url, replicas, clock, log: silentLog })
        const fates = await queue.publish(newItems(1))
        return fates[0] === 'queued'
      } catch (error) {
        lastError = error
        return false
      }
    }, electionMaxMs).catch(() => Promise.reject(lastError))
  let lastError: unknown

  test('is started on while one of its servers is down', { timeout: 120_000 }, async () => {
    await using cluster = await startNatsCluster()
    await opens(cluster.url, 3)
    await cluster.servers[0]!.kill()
    const codes = async () => {
      const findings = await inspectNats({ url: cluster.url, replicas: 3, clock })
      return findings.filter(({ level }) => level !== 'ok').map(({ code }) => code)
    }
    await until(async () => (await codes()).includes('queue/servers-missing'))
    expect(await codes()).not.toContain('queue/replicas-impossible')
    await opens(cluster.url, 3)
  })

  test('with one copy of its stream is started on, though three are asked for and one server is down', {
    timeout: 120_000,
  }, async () => {
    await using cluster = await startNatsCluster()
    await opens(cluster.url, 1)
    const holder = await administer(
      cluster.servers[0]!.url,
      async (manager) => (await manager.streams.info('PABAL_WORK')).cluster?.leader,
    )
    const feeding = await administer(
      cluster.servers[0]!.url,
      async (manager) => (await manager.streams.info('PABAL_EVENTS')).cluster?.leader,
    )
    const idle = ['n0', 'n1', 'n2'].findIndex((name) => name !== holder && name !== feeding)
    await cluster.servers[idle]!.stop()
    await opens(cluster.url, 3)
  })
})
