import { describe, expect, test } from 'vitest'
import type { Submission } from '#cli/demo/alerts.ts'
import { type ApiClient, linesOf } from '#cli/demo/api-client.ts'
import { wrap } from '#cli/demo/examples.ts'
import { send } from '#cli/demo/sending.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const submission = (eventId: string, again = false): Submission => ({
  eventId,
  line: JSON.stringify({ eventId }),
  again,
})

const many = (count: number) => Array.from({ length: count }, (_, n) => submission(`q:${n}`))

/** Answers a batch, given its event ids; `broken` is where the connection ends. */
type Server = (
  eventIds: readonly string[],
  request: number,
) => { readonly status?: number; readonly lines: readonly object[]; readonly broken?: true }

const clientOf = (server: Server): ApiClient => {
  let requests = 0
  return {
    call: () => Promise.reject(new Error('not asked here')),
    async stream(_method, _path, body = '') {
      requests += 1
      const eventIds = body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).eventId as string)
      const { status = 200, lines, broken } = server(eventIds, requests)
      const answers = async function* () {
        for (const line of lines) yield JSON.stringify(line)
        if (broken) throw new Error('other side closed')
      }
      return { status, lines: answers() }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Keeps what it was given, as the service does, and says when it has been given it before. */
const store = () => {
  const known = new Set<string>()
  return (eventIds: readonly string[]) =>
    eventIds.map((eventId, index) => {
      const replayed = known.has(eventId)
      known.add(eventId)
      return { line: index + 1, status: 202, id: `id of ${eventId}`, ...(replayed && { replayed }) }
    })
}

const sendAll = async (submissions: readonly Submission[], server: Server) => {
  const clock = createFakeClock()
  const counts: number[] = []
  const sending = send({
    api: clientOf(server),
    submissions,
    clock,
    signal: new AbortController().signal,
    up: async () => {},
    onAccepted: (held) => counts.push(held),
  })
  let over = false
  const settled = sending.then(
    (held) => ({ held, counts }),
    (error: Error) => ({ error }),
  )
  void settled.then(() => {
    over = true
  })
  for (let turn = 0; !over && turn < 1_000; turn += 1) await clock.advance(250)
  return settled
}

describe('the client of the demo', () => {
  test('hands over everything once', async () => {
    const server = store()
    const result = await sendAll(many(1_000), (ids) => ({ lines: server(ids) }))
    expect(result).toMatchObject({ held: { replayed: 0, interrupted: 0 } })
    expect('held' in result && result.held.accepted.size).toBe(1_000)
    expect('counts' in result && result.counts.at(-1)).toBe(1_000)
  })

  test('sends again every line that it holds no 202 for, and no other', async () => {
    const server = store()
    const seen: string[] = []
    const result = await sendAll(many(100), (ids, request) => {
      seen.push(...ids)
      const lines = server(ids)
      return request === 1 ? { lines: lines.slice(0, 40), broken: true } : { lines }
    })
    expect(result).toMatchObject({ held: { replayed: 60, interrupted: 1 } })
    expect('held' in result && result.held.accepted.size).toBe(100)
    expect(seen).toHaveLength(160)
    expect(seen.slice(100)).toEqual(seen.slice(40, 100))
  })

  test('tries again what was too much for the moment', async () => {
    const server = store()
    const result = await sendAll(many(3), (ids, request) =>
      request === 1
        ? { status: 503, lines: [{ code: 'log/unavailable' }] }
        : { lines: server(ids) },
    )
    expect('held' in result && result.held.accepted.size).toBe(3)
  })

  test('counts what is asked for twice as one', async () => {
    const server = store()
    const twice = [submission('q:1'), submission('q:1', true)]
    const result = await sendAll(twice, (ids) => ({ lines: server(ids) }))
    expect(result).toMatchObject({ held: { replayed: 1 } })
    expect('held' in result && [...result.held.accepted]).toEqual([['q:1', 'id of q:1']])
  })

  test('ends when a line is refused', async () => {
    const refused = { line: 1, status: 422, problem: { code: 'template/not-found' } }
    const result = await sendAll(many(1), () => ({ lines: [refused] }))
    expect('error' in result && result.error.message).toContain('template/not-found')
  })

  test('ends when an id has two notifications', async () => {
    const result = await sendAll([submission('q:1'), submission('q:1', true)], () => ({
      lines: [1, 2].map((line) => ({ line, status: 202, id: `n${line}` })),
    }))
    expect('error' in result && result.error.message).toContain('answered with two ids')
  })

  test('gives up a line that never gets an answer', async () => {
    const result = await sendAll(many(1), () => ({ lines: [], broken: true }))
    expect('error' in result && result.error.message).toContain('got no answer in 50 tries')
  })
})

describe('reading lines', () => {
  test('leaves out the one that was cut', async () => {
    const bytes = new TextEncoder().encode('{"한":1}\n{"b":2}\n{"c"')
    const chunks = async function* () {
      for (let at = 0; at < bytes.length; at += 3) yield bytes.subarray(at, at + 3)
    }
    const lines: string[] = []
    for await (const line of linesOf(chunks())) lines.push(line)
    expect(lines).toEqual(['{"한":1}', '{"b":2}'])
  })
})

test('long texts are broken under their beginning', () => {
  const lines = wrap('  09:00:00', 'word '.repeat(40).trim()).split('\n')
  expect(lines.length).toBeGreaterThan(1)
  expect(lines.every((line) => line.length <= 97)).toBe(true)
  expect(lines[1]).toMatch(/^ {16}word/)
})
