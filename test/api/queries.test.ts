import { describe, expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { openApi, request, type TestApi } from '../support/api.ts'

const ask = async (api: TestApi, url: string) => (await api.ask('GET', url)).json()

/** One that was requested, routed and sent once. */
const sent = async (api: TestApi, over: Readonly<Record<string, unknown>> = {}) => {
  const { id } = (await api.ask('POST', '/v1/notifications', request(over))).json()
  await api.clock.advance(1_000)
  await api.route(id)
  await api.clock.advance(1_000)
  await api.dispatch(id)
  return id as string
}

describe('a notification', () => {
  test('is shown with its deliveries and attempts, addresses masked', async () => {
    await using api = await openApi()
    const id = await sent(api, {
      category: 'ads',
      sendAt: '2025-12-31T09:00:00+09:00',
      expiresAt: '2026-06-01T00:00:00Z',
    })
    expect(await ask(api, `/v1/notifications/${id}`)).toEqual({
      id,
      eventId: 'order-1:mina',
      status: 'retrying',
      category: 'ads',
      priority: 'normal',
      requestedAt: '2026-01-01T00:00:00.000Z',
      sendAt: '2025-12-31T00:00:00.000Z',
      expiresAt: '2026-06-01T00:00:00.000Z',
      revision: 3,
      deliveries: [
        {
          deliveryId: 'd1',
          channel: 'sms',
          provider: 'twilio',
          endpoint: { kind: 'phone', masked: '+82********78' },
          status: 'retrying',
          attempts: [
            {
              number: 1,
              at: '2026-01-01T00:00:02.000Z',
              outcome: 'retry',
              code: '503',
              reason: 'busy',
              retryAt: '2026-01-01T00:00:04.750Z',
              evidence: 'answer',
            },
          ],
        },
      ],
      passedOver: [],
    })
  })

  test('is the same from its stream, from the read model, and by its event id', async () => {
    await using api = await openApi()
    const id = await sent(api)
    const folded = await api.ask('GET', `/v1/notifications/${id}`)
    await api.project()
    const projected = await api.ask('GET', `/v1/notifications/${id}`)
    const byEvent = await api.ask('GET', '/v1/notifications?eventId=order-1:mina')
    expect(projected.body).toBe(folded.body)
    expect(byEvent.body).toBe(folded.body)
  })

  test('comes from the read model once it is there', async () => {
    const events = createMemoryEventStore()
    await using api = await openApi({ events })
    const id = await sent(api)
    await api.project()
    let reads = 0
    const counted = {
      ...events,
      read: (...all: Parameters<typeof events.read>) => {
        reads += all[0].startsWith('notification-') ? 1 : 0
        return events.read(...all)
      },
    }
    await using again = await openApi({
      events: counted,
      documents: api.needs.documents,
      apps: api.needs.apps,
    })
    const headers = { authorization: `Bearer ${api.key}` }
    const answer = await again.ask('GET', `/v1/notifications/${id}`, undefined, headers)
    expect(answer.json().id).toBe(id)
    expect(reads).toBe(0)
  })

  test('shows addresses and content to an operator who asks for them, and to nobody else', async () => {
    await using api = await openApi()
    const id = await sent(api)
    await api.project()
    const reader = { authorization: `Bearer ${await api.keyOf('shop', 'read')}` }
    for (const path of [`/v1/notifications/${id}`, `/v1/notifications/${id}/events`]) {
      const plain = await api.ask('GET', path)
      expect(plain.body).not.toContain('1012345678')
      expect(plain.body).not.toContain('on its way')
      const refused = await api.ask('GET', `${path}?personal=1`, undefined, reader)
      expect(refused.json()).toMatchObject({ status: 403, code: 'auth/scope-missing' })
      const shown = await api.ask('GET', `${path}?personal=1`)
      expect(shown.body).toContain('+821012345678')
      expect((await api.ask('GET', `${path}?personal=yes`)).statusCode).toBe(400)
    }
    const view = await ask(api, `/v1/notifications/${id}?personal=1`)
    expect(view.deliveries[0].attempts[0].to).toBe('+821012345678')
    const feed = await api.ask('GET', '/v1/events?personal=1')
    expect(feed.body).toContain('on its way')
    expect((await api.ask('GET', '/v1/events')).body).not.toContain('on its way')
    const explained = await api.ask('GET', `/v1/notifications/${id}/explanation`)
    expect(explained.body).not.toContain('1012345678')
  })

  test('is shown as it was at a time', async () => {
    await using api = await openApi()
    const id = await sent(api)
    await api.project()
    const at = async (time: string) =>
      ask(api, `/v1/notifications/${id}?at=${encodeURIComponent(time)}`)
    expect(await at('2026-01-01T00:00:00Z')).toMatchObject({ status: 'requested', revision: 0 })
    expect(await at('2026-01-01T09:00:01+09:00')).toMatchObject({ status: 'routed', revision: 1 })
    expect(await at('2026-01-01T00:00:01.999Z')).toMatchObject({ status: 'routed', revision: 1 })
    expect(await at('2030-01-01T00:00:00Z')).toMatchObject({ status: 'retrying', revision: 3 })
    const before = await at('2025-12-31T23:59:59.999Z')
    expect(before).toEqual({
      ...{ id, eventId: 'order-1:mina', status: 'absent', revision: -1 },
      ...{ deliveries: [], passedOver: [] },
    })
    expect(await at('yesterday')).toMatchObject({ status: 400, pointer: '/at' })
    const byEvent = await ask(api, '/v1/notifications?eventId=order-1:mina&at=2026-01-01T00:00:00Z')
    expect(byEvent).toMatchObject({ id, status: 'requested' })
  })

  test('has its events and an explanation', async () => {
    await using api = await openApi()
    const id = await sent(api)
    const { events } = await ask(api, `/v1/notifications/${id}/events`)
    expect(events.map((each: { type: string }) => each.type)).toEqual([
      'NotificationRequested',
      'NotificationRouted',
      'NotificationDispatched',
      'NotificationFailed',
    ])
    expect(events[0]).toMatchObject({
      revision: 0,
      at: '2026-01-01T00:00:00.000Z',
      stream: `notification-${id}`,
    })
    const explained = await ask(api, `/v1/notifications/${id}/explanation`)
    expect(explained).toMatchObject({ id, status: 'retrying' })
    expect(explained.events.length).toBe(4)
  })

  test('is answered for as far as it can be read', async () => {
    await using api = await openApi()
    const id = await sent(api)
    const broken = {
      ...(await api.recorded()).at(-1)!,
      id: '00000000-0000-4000-8000-000000000001',
      type: 'NotificationRouted',
      schemaVersion: 9,
    }
    await api.needs.events.append(`notification-${id}`, [broken], { expected: 3 })
    const answer = await ask(api, `/v1/notifications/${id}`)
    expect(answer).toMatchObject({ id, status: 'retrying', revision: 3 })
    expect(answer.stale).toContain('revision 4')
    const explained = await ask(api, `/v1/notifications/${id}/explanation`)
    expect(explained.summary).toContain('revision 4')
  })

  test.each(['', '/events', '/explanation', '?at=2026-01-01T00:00:00Z'])(
    'that nobody requested is unknown (%s)',
    async (suffix) => {
      await using api = await openApi()
      const ids = [
        '00000000-0000-5000-8000-000000000000',
        'x',
        'B1449859-DA43-55BA-8509-6BF5D5B442F3',
      ]
      const answers = await Promise.all(
        ids.map((id) => api.ask('GET', `/v1/notifications/${id}${suffix}`)),
      )
      expect(new Set(answers.map((each) => each.statusCode))).toEqual(new Set([404]))
      expect(new Set(answers.map((each) => each.body)).size).toBe(1)
      expect(answers[0]!.json().code).toBe('notification/not-found')
    },
  )
})

describe('the history', () => {
  /** Ten notifications, a minute apart, to two people over two channels. */
  const filled = async (): Promise<TestApi> => {
    const api = await openApi()
    await api.ask('PUT', '/v1/recipients/mina', { phone: '+821012345678', email: 'mina@x.org' })
    for (let n = 0; n < 10; n += 1) {
      const over = {
        eventId: `e${n}`,
        to: { userId: n % 2 === 0 ? 'mina' : 'jun' },
        content: { body: 'x', subject: 'y' },
        channels: n % 3 === 0 ? ['email'] : ['sms'],
        category: n < 5 ? 'ads' : 'transactional',
      }
      const { id } = (await api.ask('POST', '/v1/notifications', request(over))).json()
      await api.route(id)
      await api.clock.advance(60_000)
    }
    await api.project()
    return api
  }
  const page = async (api: TestApi, query: string) => {
    const answer = await ask(api, `/v1/notifications${query}`)
    return {
      ids: answer.items.map((each: { eventId: string }) => each.eventId) as string[],
      cursor: answer.cursor as string | undefined,
    }
  }
  const walk = async (api: TestApi, query: string, limit: number): Promise<string[]> => {
    const ids: string[] = []
    let cursor: string | undefined
    for (let turn = 0; turn < 50; turn += 1) {
      const suffix = cursor === undefined ? '' : `&cursor=${cursor}`
      const found = await page(api, `${query}${query ? '&' : '?'}limit=${limit}${suffix}`)
      expect(found.ids.length).toBeLessThanOrEqual(limit)
      ids.push(...found.ids)
      cursor = found.cursor
      if (cursor === undefined) return ids
    }
    throw new Error('The pages have no end.')
  }

  test.each([
    ['', 'e9 e8 e7 e6 e5 e4 e3 e2 e1 e0'],
    ['?userId=mina', 'e8 e6 e4 e2 e0'],
    ['?userId=nobody', ''],
    ['?status=suppressed', 'e9 e7 e5 e3 e1'],
    ['?status=routed', 'e8 e6 e4 e2 e0'],
    ['?channel=email', 'e6 e0'],
    ['?category=ads', 'e4 e3 e2 e1 e0'],
    ['?userId=mina&status=routed&channel=sms&category=ads', 'e4 e2'],
    ['?from=2026-01-01T00:02:00Z&to=2026-01-01T09:04:00%2B09:00', 'e4 e3 e2'],
    ['?userId=jun&from=2026-01-01T00:05:00Z', 'e9 e7 e5'],
    ['?status=suppressed&to=2026-01-01T00:04:00Z', 'e3 e1'],
  ])('asked for %s is the same in pages of every size', async (query, expected) => {
    await using api = await filled()
    for (const limit of [1, 2, 3, 10, 200]) {
      expect((await walk(api, query, limit)).join(' ')).toBe(expected)
    }
  })

  test('of one person is also under the person', async () => {
    await using api = await filled()
    const answer = await ask(api, '/v1/recipients/mina/history?limit=2')
    expect(answer.items.map((each: { eventId: string }) => each.eventId)).toEqual(['e8', 'e6'])
    const next = await ask(api, `/v1/recipients/mina/history?cursor=${answer.cursor}`)
    expect(next.items.map((each: { eventId: string }) => each.eventId)).toEqual(['e4', 'e2', 'e0'])
  })

  test('goes on where it was, whatever came meanwhile', async () => {
    await using api = await filled()
    const first = await page(api, '?limit=4')
    await api.ask('POST', '/v1/notifications', request({ eventId: 'new' }))
    await api.project()
    const second = await page(api, `?limit=3&cursor=${first.cursor}`)
    expect(second.ids).toEqual(['e5', 'e4', 'e3'])
  })

  test('takes a cursor only with the filter it was made for', async () => {
    await using api = await filled()
    const { cursor } = await page(api, '?userId=mina&limit=1')
    const bank = { authorization: `Bearer ${await api.keyOf('bank')}` }
    const wrong = [
      api.ask('GET', `/v1/notifications?cursor=${cursor}`),
      api.ask('GET', `/v1/notifications?userId=jun&cursor=${cursor}`),
      api.ask('GET', `/v1/notifications?userId=mina&status=routed&cursor=${cursor}`),
      api.ask('GET', `/v1/notifications?userId=mina&cursor=${cursor}`, undefined, bank),
      api.ask('GET', '/v1/notifications?cursor=nonsense'),
      api.ask('GET', `/v1/notifications?cursor=${Buffer.from('[1,2,3]').toString('base64url')}`),
      api.ask('GET', `/v1/notifications?cursor=${Buffer.from('null').toString('base64url')}`),
      api.ask('GET', '/v1/notifications?cursor='),
    ]
    for (const answer of await Promise.all(wrong)) {
      expect(answer.json()).toMatchObject({
        status: 400,
        code: 'request/cursor-invalid',
        pointer: '/cursor',
      })
    }
  })

  test.each([
    ['?limit=0', '/limit'],
    ['?limit=1e9', '/limit'],
    ['?limit=-1', '/limit'],
    ['?limit=many', '/limit'],
    ['?status=gone', '/status'],
    ['?channel=fax', '/channel'],
    ['?from=yesterday', '/from'],
    ['?from=2026-02-30T00:00:00Z', '/from'],
    ['?userId=a&userId=b', '/userId'],
    ['?app=bank', '/app'],
    ['?eventId=a&userId=b', '/userId'],
    ['?eventId=', '/eventId'],
    ['?at=2026-01-01T00:00:00Z', '/at'],
    ['?personal=1', '/personal'],
  ])('asked for %s is refused', async (query, pointer) => {
    await using api = await openApi()
    expect(await ask(api, `/v1/notifications${query}`)).toMatchObject({ status: 400, pointer })
  })
})
