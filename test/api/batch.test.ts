import { request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { inFlightMax } from '#api/batch/batch.ts'
import { createLineSplitter } from '#api/batch/line-splitter.ts'
import { defaultLimits } from '#api/server.ts'
import type { EventStore } from '#ports/event-store.ts'
import { openApi, request, type TestApi } from '../support/api.ts'
import { settle } from '../support/fake-clock.ts'

const url = '/v1/notifications/batch'
const ndjson = { 'content-type': 'application/x-ndjson' }
const line = (eventId: string, over: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify(request({ eventId, ...over }))

interface Answer {
  readonly line: number
  readonly status: number
  readonly id?: string
  readonly replayed?: boolean
  readonly problem?: { readonly code: string; readonly pointer?: string }
}
const parse = (body: string): readonly Answer[] =>
  body
    .split('\n')
    .filter((each) => each !== '')
    .map((each) => JSON.parse(each))

const send = async (api: TestApi, body: string | Buffer): Promise<readonly Answer[]> => {
  const answer = await api.ask('POST', url, body, ndjson)
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toContain('application/x-ndjson')
  return parse(answer.body)
}

describe('a batch', () => {
  test('is answered line by line, in order', async () => {
    await using api = await openApi()
    const ids = Array.from({ length: 1_000 }, (_, n) => `e${n}`)
    const answers = await send(api, ids.map((id) => line(id)).join('\n'))
    expect(answers.map((each) => each.line)).toEqual(ids.map((_, n) => n + 1))
    expect(new Set(answers.map((each) => each.status))).toEqual(new Set([202]))
    const single = await api.ask('POST', '/v1/notifications', line('e500'))
    expect(single.json().id).toBe(answers[500]!.id)
    expect(single.headers['pabal-replayed']).toBe('true')
  })

  test('goes on after a line that is broken, empty, unknown or too long', async () => {
    await using api = await openApi()
    const long = line('long', { data: { a: 'x'.repeat(300_000) } })
    const lines = [
      line('a'),
      '{"eventId":',
      '',
      long,
      line('b', { app: 'bank' }),
      line('c', { category: 'weather' }),
      line('a'),
      line('a', { priority: 'bulk' }),
      '{"a":"\\ud800"}',
      line('d'),
    ]
    const answers = await send(api, `${lines.join('\r\n')}\r\n`)
    expect(answers.map(({ line, status, problem }) => [line, status, problem?.code])).toEqual([
      [1, 202, undefined],
      [2, 400, 'request/not-json'],
      [4, 413, 'request/too-large'],
      [5, 400, 'request/invalid'],
      [6, 422, 'notification/category-unknown'],
      [7, 202, undefined],
      [8, 422, 'event-id/reused'],
      [9, 400, 'request/lone-surrogate'],
      [10, 202, undefined],
    ])
    expect(answers[3]!.problem!.pointer).toBe('/app')
    expect(answers[5]!.replayed).toBe(true)
    const recorded = await api.recorded()
    expect(recorded.filter((each) => each.type === 'NotificationRequested').length).toBe(2)
  })

  test('survives bytes that are not UTF-8 in one of its lines', async () => {
    await using api = await openApi()
    const bad = Buffer.from(line('bad')).fill(0xff, 12, 13)
    const good = `\n${line('good', { content: { body: '안녕 \ufffd 👋' } })}`
    const answers = await send(api, Buffer.concat([bad, Buffer.from(good)]))
    expect(answers.map((each) => each.status)).toEqual([400, 202])
    expect(answers[0]!.problem!.code).toBe('request/not-utf8')
  })

  test('may be empty', async () => {
    await using api = await openApi()
    expect(await send(api, '\n\n')).toEqual([])
  })

  test('has to be NDJSON', async () => {
    await using api = await openApi()
    const answer = await api.ask('POST', url, line('a'))
    expect(answer.json()).toMatchObject({ status: 415 })
    const none = await api.ask('POST', url)
    expect(none.json()).toMatchObject({ status: 415 })
  })

  test('keeps a bounded number of requests in flight', async () => {
    let inFlight = 0
    let most = 0
    const waiting: (() => void)[] = []
    await using api = await openApi({
      accept: async (_app, _actor, { eventId }) => {
        inFlight += 1
        most = Math.max(most, inFlight)
        await new Promise<void>((resolve) => waiting.push(resolve))
        inFlight -= 1
        return { answer: { id: eventId, eventId, status: 'requested' }, replayed: false }
      },
    })
    const body = Array.from({ length: 1_000 }, (_, n) => line(`e${n}`)).join('\n')
    const answered = send(api, body)
    let done = false
    void answered.finally(() => {
      done = true
    })
    while (!done) {
      await settle()
      // The last asked is the first answered: the order of the answers is that of the lines.
      for (const release of waiting.splice(0).toReversed()) release()
    }
    expect((await answered).map((each) => each.id)).toEqual(
      Array.from({ length: 1_000 }, (_, n) => `e${n}`),
    )
    expect(most).toBe(inFlightMax)
  })

  test('ends when nothing comes for too long, after what came was answered', async () => {
    await using api = await openApi()
    const payload = new Readable({ read() {} })
    payload.push(`${line('a')}\n${line('b')}\n`)
    const headers = { ...ndjson, authorization: `Bearer ${api.key}` }
    const answered = api.server.inject({ method: 'POST', url, headers, payload })
    await api.clock.advance(14_000)
    payload.push(`${line('c')}\n`)
    await api.clock.advance(14_000)
    payload.push(`${line('d').slice(0, 10)}`)
    await api.clock.advance(16_000)
    expect(parse((await answered).body).map((each) => [each.line, each.status])).toEqual([
      [1, 202],
      [2, 202],
      [3, 202],
      [4, 408],
    ])
  })

  test('is refused from where its key was revoked', async () => {
    await using api = await openApi()
    const key = await api.keyOf('shop', 'send')
    const payload = new Readable({ read() {} })
    const headers = { ...ndjson, authorization: `Bearer ${key}` }
    const answered = api.server.inject({ method: 'POST', url, headers, payload })
    payload.push(`${line('a')}\n`)
    await settle()
    await api.needs.apps.revokeKey('shop', /pbl_live_(.+)_[\w-]{43}$/.exec(key)![1]!, 'cli')
    await api.clock.advance(5_000)
    payload.push(`${line('b')}\n${line('c')}\n`)
    payload.push(null)
    expect(parse((await answered).body).map((each) => each.status)).toEqual([202, 401, 401])
  })

  test('ends when the service stops, and says so', async () => {
    const api = await openApi()
    const payload = new Readable({ read() {} })
    const headers = { ...ndjson, authorization: `Bearer ${api.key}` }
    const answered = api.server.inject({ method: 'POST', url, headers, payload })
    payload.push(`${line('a')}\n`)
    await settle()
    await api[Symbol.asyncDispose]()
    const answers = parse((await answered).body)
    expect(answers.map((each) => each.status)).toEqual([202, 503])
    expect(answers[1]!.problem!.code).toBe('service/stopping')
  })
})

describe('a batch over a socket', () => {
  const open = async (over: { readonly events?: EventStore } = {}) => {
    const limits = { ...defaultLimits, ratePerSecond: 1_000_000 }
    const api = await openApi({ clock: createSystemClock(), limits, ...over })
    const { port } = new URL(await api.server.listen({ port: 0, host: '127.0.0.1' }))
    const start = () =>
      httpRequest({
        ...{ port, host: '127.0.0.1', path: url, method: 'POST' },
        headers: { ...ndjson, authorization: `Bearer ${api.key}` },
      })
    return { api, start }
  }

  test('is answered while it is being sent', async () => {
    const { api, start } = await open()
    await using _api = api
    const sent = start()
    const response = new Promise<Readable>((resolve) => sent.once('response', resolve))
    sent.write(`${line('a')}\n`)
    const lines = (await response).setEncoding('utf8')[Symbol.asyncIterator]()
    expect(JSON.parse((await lines.next()).value)).toMatchObject({ line: 1, status: 202 })
    sent.write(`${line('b')}\n${line('c').slice(0, 20)}`)
    expect(JSON.parse((await lines.next()).value)).toMatchObject({ line: 2, status: 202 })
    sent.end(line('c').slice(20))
    expect(JSON.parse((await lines.next()).value)).toMatchObject({ line: 3, status: 202 })
    expect((await lines.next()).done).toBe(true)
  })

  test('that breaks off keeps what was taken, and harms nobody', async () => {
    const { api, start } = await open()
    await using _api = api
    const sent = start()
    sent.on('error', () => {})
    const response = new Promise<Readable>((resolve) => sent.once('response', resolve))
    sent.write(`${line('a')}\n${line('b').slice(0, 20)}`)
    const answers = await response
    answers.on('error', () => {})
    await new Promise((resolve) => answers.once('data', resolve))
    sent.destroy()
    await settle(50)
    const found = await api.ask('GET', '/v1/notifications?eventId=a')
    expect(found.statusCode).toBe(200)
    expect((await api.ask('GET', '/v1/notifications?eventId=b')).statusCode).toBe(404)
    expect(api.logged.filter((each) => each.level === 'error')).toEqual([])
  })

  test('whose sender hangs up before the first answer is no error', async () => {
    const memory = createMemoryEventStore()
    const silent: EventStore = Object.create(memory, {
      append: {
        value: ((stream, events, options) =>
          stream.startsWith('notification-')
            ? new Promise(() => {})
            : memory.append(stream, events, options)) satisfies EventStore['append'],
      },
    })
    const { api, start } = await open({ events: silent })
    await using _api = api
    const sent = start()
    sent.on('error', () => {})
    const arrived = new Promise((resolve) => api.server.server.once('request', resolve))
    sent.end(line('a'))
    await arrived
    await settle(50)
    sent.destroy()
    await settle(50)
    expect(api.logged.filter((each) => each.level === 'error')).toEqual([])
  })

  test('waits for one who does not read his answers', async () => {
    const { api, start } = await open()
    await using _api = api
    const sent = start()
    sent.on('error', () => {})
    const response = new Promise<Readable>((resolve) => sent.once('response', resolve))
    let written = 0
    const piece = `{"nothing":1}${' '.repeat(500)}\n`.repeat(1_000)
    const goOn = (): boolean => {
      written += 1_000
      return sent.write(piece)
    }
    goOn()
    const answers = await response
    answers.pause()
    const target = 400_000
    let stalled = 0
    for (let before = -1; written < target && stalled < 20; ) {
      const taken = goOn()
      if (!taken) await settle(200)
      stalled = written === before || sent.writableNeedDrain ? stalled + 1 : 0
      before = written
    }
    expect(stalled).toBe(20)
    expect(sent.writableNeedDrain).toBe(true)
    sent.end()
    let last = ''
    let lines = 0
    for await (const text of answers.setEncoding('utf8')) {
      lines += text.split('\n').length - 1
      last = text
    }
    expect(lines).toBe(written)
    expect(JSON.parse(last.trim().split('\n').at(-1)!)).toMatchObject({ line: written })
  })
})

describe('cutting into lines', () => {
  const cut = (pieces: readonly Buffer[]): readonly (string | undefined)[] => {
    const splitter = createLineSplitter()
    const lines = [...pieces.flatMap((each) => splitter.push(each)), ...splitter.end()]
    expect(lines.map((each) => each.number)).toEqual(lines.map((_, at) => at + 1))
    return lines.map((each) => each.text ?? each.problem?.code)
  }

  test('gives the same lines wherever the pieces end', () => {
    const text = 'ab\n\n안녕 👋\n\ufffd{"a":1}\nlast'
    const bytes = Buffer.from(text)
    for (let size = 1; size <= bytes.length; size += 1) {
      const pieces: Buffer[] = []
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
      expect(cut(pieces)).toEqual(text.split('\n'))
    }
  })

  test('passes over a line that is too long without keeping it, whatever its pieces', () => {
    const long = 'x'.repeat(300_000)
    const bytes = Buffer.from(`a\n${long}\nb\n${long}`)
    for (const size of [1_000, 65_536, 262_144, bytes.length]) {
      const pieces: Buffer[] = []
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
      expect(cut(pieces)).toEqual(['a', 'request/too-large', 'b', 'request/too-large'])
    }
  })

  test('takes a line of just 256 KB', () => {
    const just = 'x'.repeat(262_144)
    expect(cut([Buffer.from(`${just}\n${just}x\n`)])).toEqual([just, 'request/too-large'])
  })

  test('costs in proportion to the bytes, not to their square', () => {
    const splitter = createLineSplitter()
    const piece = Buffer.from('x')
    for (let at = 0; at < 250_000; at += 1) splitter.push(piece)
    expect(splitter.push(Buffer.from('\n'))[0]!.text!.length).toBe(250_000)
  })
})
