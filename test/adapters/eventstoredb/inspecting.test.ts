import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { describe, expect, test } from 'vitest'
import { parseConnectionUrl } from '#adapters/eventstoredb/connection-url.ts'
import { inspectEventStoreDb } from '#adapters/eventstoredb/inspect.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { newEvent, newEvents, newStream } from '../../contracts/log-samples.ts'
import { type DoubleOptions, openDouble } from '../../support/eventstoredb/double.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { openStore } from './open-store.ts'

interface Asked {
  readonly streams?: number
  readonly contents?: boolean
  readonly append?: 'batch'
}
const inspect = (url: string, { streams, contents, append }: Asked = {}) =>
  inspectEventStoreDb({
    url,
    append: append ?? 'classic',
    clock: createSystemClock(),
    timeoutMs: 2_000,
    contents:
      contents || streams !== undefined ? { expectedStreams: async () => streams } : undefined,
  })

const codesOf = async (options: DoubleOptions, asked = {}): Promise<readonly string[]> => {
  await using double = await openDouble(options)
  return (await inspect(double.url, asked)).map(({ code }) => code)
}

const standings = [
  ['moved away', 'log/sealed', [{ type: 'LogSealed', data: { to: 'other' } }]],
  ['being copied', 'log/unfinished-copy', [{ type: 'LogCopyStarted', data: { from: 'other' } }]],
  ['of a newer Pabal', 'store/newer-version', [{ type: 'LogDreamt', data: {} }]],
] as const

const filter = (size: number) => ({ settings: { StreamExistenceFilterSize: String(size) } })

describe('the examination of EventStoreDB', () => {
  test('finds a good one good, and writes nothing', async () => {
    await using double = await openDouble(filter(1_000))
    const findings = await inspect(double.url, { streams: 1_000, append: 'batch' })
    expect(findings.map(({ subject, level }) => `${subject} ${level}`)).toEqual(
      Array.from({ length: 4 }, () => 'log ok'),
    )
    expect(findings[1]?.message).toContain('24.10.4.0')
    expect(double.log.events()).toBe(0)
  })

  const cases: readonly (readonly [string, string, DoubleOptions, object])[] = [
    ['an old version', 'eventstore/version', { version: '22.10.2.0' }, {}],
    ['a version that is none', 'eventstore/version-unknown', { version: 'unknown' }, {}],
    ['missing batches', 'eventstore/no-batches', { without: ['batchappend'] }, { append: 'batch' }],
    ['a clock that is behind', 'eventstore/clock', { clockOffsetMs: -60_000 }, {}],
    ['a clock that is ahead', 'eventstore/clock', { clockOffsetMs: 60_000 }, {}],
    ['a small filter', 'eventstore/stream-filter', filter(1_000), { streams: 1_001 }],
    ['a filter of unknown size', 'eventstore/stream-filter', {}, { streams: 300_000_000 }],
  ]
  test.each(cases)('finds %s', async (_, code, options, asked) => {
    expect(await codesOf(options, asked)).toContain(code)
  })

  test('says that the filter is not judged where nobody knows how much the log holds', async () => {
    await using double = await openDouble(filter(1))
    const findings = await inspect(double.url, { contents: true })
    expect(findings.every(({ level }) => level === 'ok')).toBe(true)
    expect(findings.map(({ message }) => message).join()).toContain('not judged')
    expect(double.log.events()).toBe(0)
  })

  test.each(standings)('finds a log that is %s', async (_, code, standing) => {
    await using double = await openDouble()
    {
      await using store = await openStore(double.url)
      const recorded = standing.map((each) => newEvent({ ...each, schemaVersion: 1 }))
      await store.append('pabal-copy', recorded, { expected: 'no-stream' })
    }
    const wrong = async (contents: boolean) =>
      (await inspect(double.url, { contents })).flatMap((each) =>
        each.level === 'wrong' ? [each.code] : [],
      )
    expect(await wrong(true)).toEqual([code])
    // The start looks by itself, and refuses with this code alone.
    expect(await wrong(false)).toEqual([])
  })

  test('finds nobody at the address', async () => {
    const double = await openDouble()
    await double[Symbol.asyncDispose]()
    expect(await inspect(double.url)).toMatchObject(
      [
        { level: 'wrong', code: 'eventstore/unreachable', message: /check PABAL_EVENTSTORE_URL/ },
      ].map((each) => ({ ...each, message: expect.stringMatching(each.message) })),
    )
  })

  test('warns of what goes over a network without TLS', async () => {
    await using double = await openDouble()
    // This machine too, by a name that the outside may have.
    const findings = await inspect(`esdb://user:very-secret@0.0.0.0:${double.port}?tls=false`)
    expect(findings.map(({ code }) => code)).toContain('eventstore/insecure')
    expect(JSON.stringify(findings)).not.toContain('very-secret')
  })

  test('finds an address that is none', async () => {
    const [found] = await inspect('mongodb://user:very-secret@host')
    expect(found).toMatchObject({ level: 'wrong', code: 'eventstore/url' })
    expect(found?.message).not.toContain('very-secret')
  })
})

describe('over TLS', () => {
  test('the user is let in with the right password, and else the start is refused', async () => {
    using directory = temporaryDirectory()
    const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    })
    const file = join(directory.path, 'ca.pem')
    writeFileSync(file, cert)
    const tls = { key, cert, username: 'pabal', password: 'a:b@c' }
    await using double = await openDouble({ tls })
    const urlOf = (password: string) =>
      `kurrentdb://pabal:${encodeURIComponent(password)}@127.0.0.1:${double.port}?tlsCAFile=${encodeURIComponent(file)}`
    await using store = await openStore(urlOf('a:b@c'))
    const stream = newStream()
    await store.append(stream, newEvents(2), { expected: 'no-stream' })
    expect(await store.read(stream)).toHaveLength(2)
    await expect(openStore(urlOf('wrong'))).rejects.toMatchObject({
      name: 'StartRefused',
      code: 'eventstore/access-denied',
    })
    expect(await inspect(urlOf('wrong'))).toMatchObject([
      { level: 'wrong', code: 'eventstore/access-denied' },
    ])
  })
})

describe('opening', () => {
  test('is refused in time when nobody answers', async () => {
    const double = await openDouble()
    await double[Symbol.asyncDispose]()
    const timing = { tryMs: 100, callMs: 300 }
    await expect(openStore(double.url, { timing })).rejects.toMatchObject({
      name: 'StartRefused',
      code: 'eventstore/unreachable',
    })
  })

  test('gives all who open one log the same id, however they race', async () => {
    await using double = await openDouble()
    double.faults.arm({ kind: 'drop-after' })
    const stores = await Promise.all(Array.from({ length: 8 }, () => openStore(double.url)))
    expect(new Set(stores.map(({ logId }) => logId)).size).toBe(1)
    for (const store of stores) await store[Symbol.asyncDispose]()
    expect(double.log.stream('pabal-log', 0, 'forwards', 10)).toHaveLength(1)
    await using again = await openStore(double.url)
    expect(again.logId).toBe(stores[0]?.logId)
    expect(await again.read('pabal-log')).toEqual([])
  })

  test.each([false, true])('asks a host for its cluster (discover: %s)', async (discover) => {
    await using leader = await openDouble()
    await using follower = await openDouble()
    follower.setLeader({ host: '127.0.0.1', port: leader.port })
    const members = [
      { host: '127.0.0.1', port: follower.port, leads: false },
      { host: '127.0.0.1', port: leader.port, leads: true },
    ]
    leader.setMembers(members)
    follower.setMembers(members)
    const hosts = discover
      ? `127.0.0.1:${follower.port}`
      : `127.0.0.1:${follower.port},127.0.0.1:${leader.port}`
    const url = `kurrentdb${discover ? '+discover' : ''}://${hosts}?tls=false`
    await using store = await openStore(url)
    await store.append(newStream(), newEvents(1), { expected: 'no-stream' })
    expect([leader.log.events(), follower.log.events()]).toEqual([2, 0])
  })
})

describe('an address', () => {
  test('is taken apart', () => {
    const url =
      'esdb+discover://us%40er:p%3Ass@a.example,b.example:2114/?tls=false&node-preference=Follower'
    expect(parseConnectionUrl(url)).toMatchObject({
      hosts: [
        { address: 'a.example', port: 2113 },
        { address: 'b.example', port: 2114 },
      ],
      discover: true,
      tls: false,
      credentials: { username: 'us@er', password: 'p:ss' },
      options: { nodePreference: 'follower' },
      display: 'esdb+discover://a.example:2113,b.example:2114',
    })
  })

  test('may say that no certificate is checked where there is none', () => {
    const url = 'esdb://admin:changeit@127.0.0.1:2113?tls=False&tlsVerifyCert=false'
    expect(parseConnectionUrl(url).tls).toBe(false)
  })

  test.each([
    '',
    'http://host',
    'esdb://',
    'esdb://secret@host',
    'esdb://user:%secret@host',
    'esdb://user:secret@host:99999',
    'esdb://user:secret@host?tsl=false',
    'esdb://user:secret@host?tls=no',
    'esdb://user:secret@host?tlsVerifyCert=false',
    'esdb://user:secret@host?tlsCAFile=/not/there.pem',
    'esdb://user:secret@host?keepAliveInterval=soon',
    'esdb://user:secret@host?nodePreference=nearest',
    'esdb://user:secret@host?userCertFile=package.json',
  ])('is refused, its secrets kept: %s', (url) => {
    const parse = () => parseConnectionUrl(url)
    expect(parse).toThrow(expect.objectContaining({ name: 'StartRefused', code: 'eventstore/url' }))
    expect(parse).not.toThrow(/secret/)
  })
})
