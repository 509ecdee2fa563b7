import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseNatsUrl } from '#adapters/nats/address.ts'
import { inspectNats } from '#adapters/nats/inspect.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import type { Finding } from '#ports/finding.ts'
import { newItems } from '../../contracts/work-samples.ts'
import {
  type NatsServerOptions,
  natsServerProgram,
  natsServerVersion,
  startNatsServer,
} from '../../support/nats/nats-server.ts'
import { administer, openQueue } from '../../support/nats/open-queue.ts'

const clock = createSystemClock()
const inspect = (url: string, replicas = 1): Promise<readonly Finding[]> =>
  inspectNats({ url, replicas, clock })
const wrong = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ level }) => level === 'wrong').map(({ code }) => code)

const withUser: NatsServerOptions = {
  config: 'authorization { users: [ { user: pabal, password: "s3cret:@/" } ] }',
}
const withCredentials = (url: string, password: string): string =>
  url.replace('nats://', `nats://pabal:${encodeURIComponent(password)}@`)

describe('the address of NATS', () => {
  test('may name several servers, with credentials that are not shown', () => {
    const address = parseNatsUrl('nats://pabal:s3cret%40@one:4333, tls://two')
    expect(address).toMatchObject({ servers: ['one:4333', 'two:4222'], tls: true, user: 'pabal' })
    expect(address.password?.reveal()).toBe('s3cret@')
    expect(JSON.stringify(address)).not.toContain('s3cret')
    expect(address.shown).toBe('tls://one:4333,two:4222')
  })

  test('may hold a token', () => {
    const { token, user } = parseNatsUrl('nats://t0ken@one')
    expect([token?.reveal(), user]).toEqual(['t0ken', undefined])
  })

  test.each(['', 'nats://', 'http://one', 'nats://one:port', ' , '])('is not %j', (url) => {
    expect(() => parseNatsUrl(url)).toThrow(
      expect.objectContaining({ name: 'StartRefused', code: 'queue/address-invalid' }),
    )
  })
})

test('a server that is not there is named, and refuses the start', async () => {
  const url = 'nats://pabal:s3cret@127.0.0.1:1'
  const refused = { name: 'StartRefused', code: 'queue/unreachable' }
  await expect(openQueue(url)).rejects.toMatchObject(refused)
  const [finding] = await inspect(url)
  expect(finding).toMatchObject({ level: 'wrong', code: 'queue/unreachable' })
  expect(finding?.message).toContain('127.0.0.1:1')
  expect(finding?.message).not.toContain('s3cret')
})

const here = natsServerProgram !== undefined

/** Of this machine's server: 2.`minorMin` or newer. */
const isAtLeast = (minorMin: number): boolean => {
  const [major = 0, minor = 0] = natsServerVersion()
  return major > 2 || minor >= minorMin
}

describe.skipIf(!here)(here ? 'opening NATS' : 'opening NATS (no nats-server here)', () => {
  test('wrong credentials refuse the start', async () => {
    await using server = await startNatsServer(withUser)
    for (const url of [server.url, withCredentials(server.url, 'guess')]) {
      const refused = { name: 'StartRefused', code: 'queue/credentials-refused' }
      await expect(openQueue(url)).rejects.toMatchObject(refused)
      expect(wrong(await inspect(url))).toEqual(['queue/credentials-refused'])
    }
    const url = withCredentials(server.url, 's3cret:@/')
    await using queue = await openQueue(url)
    expect(await queue.publish(newItems(1))).toEqual(['queued'])
    expect(wrong(await inspect(url))).toEqual([])
  })

  test('a server without JetStream refuses the start', async () => {
    await using server = await startNatsServer({ jetStream: false })
    const refused = { name: 'StartRefused', code: 'queue/no-jetstream' }
    await expect(openQueue(server.url)).rejects.toMatchObject(refused)
    expect(wrong(await inspect(server.url))).toEqual(['queue/no-jetstream'])
  })

  test('more copies than servers refuse the start', async () => {
    await using server = await startNatsServer()
    const refused = { name: 'StartRefused', code: 'queue/no-stream' }
    await expect(openQueue(server.url, { replicas: 3 })).rejects.toMatchObject(refused)
    expect(wrong(await inspect(server.url, 3))).toEqual(['queue/replicas-impossible'])
  })

  test('what is there with other settings is changed, and keeps what it holds', async () => {
    await using server = await startNatsServer()
    await using before = await openQueue(server.url, { ackWaitMs: 60_000 })
    await before.publish(newItems(3))
    await using after = await openQueue(server.url, { ackWaitMs: 2_000 })
    expect(after.epoch()).toBe(before.epoch())
    const consumer = await administer(server.url, (manager) =>
      manager.consumers.info('PABAL_WORK', 'push-normal'),
    )
    expect(consumer.config.ack_wait).toBe(2_000_000_000)
    expect(consumer.num_pending).toBe(3)
  })

  test('work on a single server does not wait for its disk, where it can be told so', async () => {
    await using server = await startNatsServer()
    await using _queue = await openQueue(server.url)
    const { config } = await administer(server.url, (manager) => manager.streams.info('PABAL_WORK'))
    const { persist_mode: mode } = config as { persist_mode?: string }
    expect(mode).toBe(isAtLeast(12) ? 'async' : undefined)
  })

  test('an examination changes nothing, and says what it saw of durability', async () => {
    await using server = await startNatsServer()
    const before = await inspect(server.url)
    expect(await inspect(server.url)).toEqual(before)
    expect(wrong(before)).toEqual([])
    expect(before.some(({ code }) => code === 'queue/syncs-late')).toBe(!isAtLeast(10))
    expect(before.map(({ message }) => message).join()).toContain('deploy/nats')
  })

  test('a clock that differs is told where the server tells its time', async () => {
    await using server = await startNatsServer()
    await using _queue = await openQueue(server.url)
    const late = { now: () => clock.now() - 60_000 }
    const findings = await inspectNats({ url: server.url, replicas: 1, clock: late })
    expect(findings.some(({ code }) => code === 'queue/clock-differs')).toBe(isAtLeast(10))
  })

  test('storage that is nearly used up is told', async () => {
    const config = `
      accounts { A { jetstream { max_file: 20000 }, users: [ { user: pabal, password: pw } ] } }`
    await using server = await startNatsServer({ config })
    const url = withCredentials(server.url, 'pw')
    await using queue = await openQueue(url)
    const published = async () => {
      for (let page = 0; page < 10; page++) await queue.publish(newItems(50))
    }
    await expect(published()).rejects.toMatchObject({ code: 'queue/no-storage' })
    const findings = await inspect(url)
    expect(findings.some(({ code }) => code === 'queue/storage-low')).toBe(true)
  })

  describe('the sample configurations', () => {
    const sample = (name: string): NatsServerOptions => ({
      env: { NATS_PASSWORD: 'from-the-environment' },
      wholeConfig: ({ port, store }) =>
        readFileSync(new URL(`../../../deploy/nats/${name}`, import.meta.url), 'utf8')
          .replace('127.0.0.1:4222', `127.0.0.1:${port}`)
          .replace('http: "127.0.0.1:8222"', '')
          .replace('/var/lib/nats', store),
    })

    test('start the server that they are for', async () => {
      await using server = await startNatsServer(
        sample(isAtLeast(10) ? 'nats-2.12.conf' : 'nats-2.9.conf'),
      )
      await using queue = await openQueue(withCredentials(server.url, 'from-the-environment'))
      expect(await queue.publish(newItems(1))).toEqual(['queued'])
      await expect(openQueue(server.url)).rejects.toMatchObject({
        code: 'queue/credentials-refused',
      })
    })

    test('of 2.12 is not one for servers before 2.10', async () => {
      if (isAtLeast(10)) return
      await expect(startNatsServer(sample('nats-2.12.conf'))).rejects.toThrow('sync_interval')
    })
  })
})
