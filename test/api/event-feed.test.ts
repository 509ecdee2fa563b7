import { describe, expect, test } from 'vitest'
import { openApi, request, type TestApi } from '../support/api.ts'

interface Line {
  readonly position?: string
  readonly type?: string
  readonly resumeAfter?: string
  readonly atHead?: boolean
}

const read = async (api: TestApi, query = '', key = api.key) => {
  const headers = { authorization: `Bearer ${key}` }
  const answer = await api.ask('GET', `/v1/events${query}`, undefined, headers)
  expect(answer.headers['content-type']).toContain('application/x-ndjson')
  const lines = answer.body
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each) as Line)
  return { events: lines.slice(0, -1), last: lines.at(-1)! }
}
const ask = async (api: TestApi, count: number, from = 0, key = api.key) => {
  for (let n = from; n < from + count; n += 1) {
    const headers = { authorization: `Bearer ${key}` }
    await api.ask('POST', '/v1/notifications', request({ eventId: `e${n}` }), headers)
  }
}

describe('the log of an app', () => {
  test('is told from the start to the head, each line with its position', async () => {
    await using api = await openApi()
    await ask(api, 3)
    const { events, last } = await read(api)
    expect(events.map((each) => each.type)).toEqual([
      'AppCreated',
      'AppKeyIssued',
      ...['NotificationRequested', 'NotificationRequested', 'NotificationRequested'],
    ])
    expect(events.every((each) => typeof each.position === 'string')).toBe(true)
    const { logId } = api.needs.events
    expect(last).toEqual({ resumeAfter: events.at(-1)!.position, atHead: true, logId })
  })

  test('is read on from where one was, in steps of any size, without a gap or a repetition', async () => {
    await using api = await openApi()
    await ask(api, 10)
    const all = (await read(api)).events.map((each) => each.position)
    for (const limit of [1, 2, 3, 5, 12, 100]) {
      const seen: (string | undefined)[] = []
      let query = `?limit=${limit}`
      for (let turn = 0; turn < 20; turn += 1) {
        const { events, last } = await read(api, query)
        expect(events.length).toBeLessThanOrEqual(limit)
        seen.push(...events.map((each) => each.position))
        query = `?limit=${limit}&after=${last.resumeAfter}`
        if (last.atHead) break
      }
      expect(seen).toEqual(all)
      await ask(api, 0)
    }
    const { last } = await read(api)
    expect((await read(api, `?after=${last.resumeAfter}`)).events).toEqual([])
    await ask(api, 1, 10)
    expect((await read(api, `?after=${last.resumeAfter}`)).events.length).toBe(1)
  })

  test('may be asked for some types alone', async () => {
    await using api = await openApi()
    await ask(api, 2)
    const { events } = await read(api, '?types=AppCreated,NotificationRequested')
    expect(events.map((each) => each.type)).toEqual([
      'AppCreated',
      'NotificationRequested',
      'NotificationRequested',
    ])
    const none = await read(api, '?types=NotificationDelivered')
    expect(none.events).toEqual([])
    expect(none.last.atHead).toBe(true)
  })

  test('holds nothing of any other app, nor the hash of a key', async () => {
    await using api = await openApi()
    const bank = await api.keyOf('bank')
    await ask(api, 2)
    await ask(api, 3, 0, bank)
    const mine = await api.ask('GET', '/v1/events')
    expect(mine.body).not.toContain('bank')
    expect(mine.body).not.toContain('"hash"')
    const theirs = (await read(api, '', bank)).events
    expect(theirs.filter((each) => each.type === 'NotificationRequested').length).toBe(3)
  })

  test.each([
    '?after=nowhere',
    '?after=-1',
    '?after=1000',
    '?limit=0',
    '?limit=100001',
    '?types=a;b',
    '?app=bank',
  ])('asked for with %s is refused', async (query) => {
    await using api = await openApi()
    const answer = await api.ask('GET', `/v1/events${query}`)
    expect(answer.json()).toMatchObject({
      status: 400,
      code: 'request/invalid',
      pointer: `/${query.slice(1).split('=')[0]}`,
    })
  })
})
