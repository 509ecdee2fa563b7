import { describe, expect, test } from 'vitest'
import { openApi, request, type TestApi } from '../support/api.ts'

const requested = async (api: TestApi, over: Readonly<Record<string, unknown>> = {}) =>
  (await api.ask('POST', '/v1/notifications', request(over))).json().id as string

describe('cancelling', () => {
  test('says what was stopped, and is never too late', async () => {
    await using api = await openApi()
    const id = await requested(api)
    await api.route(id)
    const path = `/v1/notifications/${id}/cancel`
    expect((await api.ask('POST', path)).json()).toEqual({
      status: 'cancelled',
      cancelled: ['d1'],
      left: [],
      mayHaveLeft: [],
    })
    const again = await api.ask('POST', path, {})
    expect([again.statusCode, again.json().cancelled]).toEqual([200, []])
  })

  test('after it left says so', async () => {
    await using api = await openApi()
    const id = await requested(api)
    await api.route(id)
    await api.dispatch(id, { is: 'delivered' })
    const answer = await api.ask('POST', `/v1/notifications/${id}/cancel`)
    expect(answer.json()).toEqual({
      status: 'delivered',
      cancelled: [],
      left: ['d1'],
      mayHaveLeft: [],
    })
  })
})

describe('redriving', () => {
  test('opens what has failed, once', async () => {
    await using api = await openApi()
    const id = await requested(api)
    await api.route(id)
    await api.dispatch(id, { is: 'permanent', code: '21211', reason: 'no such number' })
    const path = `/v1/notifications/${id}/redrive`
    expect((await api.ask('POST', path)).json()).toEqual({ status: 'routed', redriven: true })
    expect((await api.ask('POST', path, {})).json()).toEqual({ status: 'routed', redriven: false })
  })

  test('takes what may have been sent only with force', async () => {
    await using api = await openApi()
    const template = {
      defaultLocale: 'en',
      contents: { en: { sms: { body: 'x' } } },
      noResend: true,
    }
    await api.ask('PUT', '/v1/templates/once', template)
    const id = await requested(api, { content: undefined, template: { name: 'once' } })
    await api.route(id)
    await api.dispatch(id, { is: 'ambiguous', code: 'timeout', reason: 'no answer' })
    const path = `/v1/notifications/${id}/redrive`
    expect((await api.ask('POST', path)).json()).toEqual({ status: 'unknown', redriven: false })
    const forced = await api.ask('POST', path, { force: true })
    expect(forced.json()).toEqual({ status: 'routed', redriven: true })
  })

  test('takes no other body', async () => {
    await using api = await openApi()
    const path = `/v1/notifications/${await requested(api)}/redrive`
    expect((await api.ask('POST', path, { force: 'yes' })).json()).toMatchObject({
      status: 400,
      pointer: '/force',
    })
    expect((await api.ask('POST', path, { all: true })).json()).toMatchObject({ pointer: '/all' })
  })
})

describe('the queues', () => {
  test('are shown with lag, what is parked, and what is paused', async () => {
    const now = Date.UTC(2026, 0, 1)
    await using api = await openApi({
      progress: () => [
        {
          projection: 'apps',
          generation: 0,
          position: '9',
          foldedAt: now - 60_000,
          caughtUp: true,
        },
        {
          projection: 'slow',
          generation: 1,
          position: '5',
          foldedAt: now - 2_500,
          caughtUp: false,
        },
        { projection: 'new', generation: 0, position: undefined, foldedAt: 0, caughtUp: false },
      ],
    })
    const id = await requested(api)
    await requested(api, { eventId: 'other' })
    const parked = {
      ...(await api.recorded()).at(-1)!,
      id: '00000000-0000-4000-8000-000000000001',
      type: 'NotificationParked',
      data: { deliveries: [], reason: 'open-too-long' },
    }
    await api.needs.events.append(`notification-${id}`, [parked], { expected: 0 })
    await api.project()
    await api.needs.queue.publish([{ lane: 'sms', priority: 'urgent', notificationId: id }])
    api.credentials.get('twilio')!.circuit.enter()!.report('config', '20003')
    await api.clock.advance(1_500)
    const answer = (await api.ask('GET', '/v1/queues')).json()
    expect(answer.lanes.length).toBe(12)
    expect(answer.lanes).toContainEqual({
      ...{ lane: 'sms', priority: 'urgent', waiting: 1, inFlight: 0 },
      oldestAgeSeconds: 1.5,
    })
    expect(answer.projections).toEqual([
      { projection: 'apps', generation: 0, position: '9', caughtUp: true, lagSeconds: 0 },
      { projection: 'slow', generation: 1, position: '5', caughtUp: false, lagSeconds: 4 },
      { projection: 'new', generation: 0, caughtUp: false },
    ])
    expect(answer.parked).toEqual({ count: 1, more: false })
    expect(answer.credentials).toMatchObject([
      { credential: 'twilio', provider: 'twilio', circuit: 'open', why: '20003' },
    ])
    expect(answer.credentials[0].resumesInSeconds).toBeGreaterThan(5)
    expect(Object.keys(answer.credentials[0]).length).toBe(5)
  })
})

describe('health', () => {
  test('of a process that can work', async () => {
    await using api = await openApi()
    expect((await api.server.inject('/healthz')).json()).toEqual({ status: 'live' })
    const ready = await api.server.inject('/readyz')
    expect([ready.statusCode, ready.json()]).toEqual([200, { ready: true, problems: [] }])
  })

  test('names what is wrong, by code and provider alone', async () => {
    const problems = [
      { code: 'provider/paused', provider: 'twilio', message: 'Account AC123 has no money.' },
      { code: 'store/disk-full', message: '/var/lib/pabal is full.' },
    ]
    await using api = await openApi({ health: async () => ({ ready: false, problems }) })
    const answer = await api.server.inject('/readyz')
    expect([answer.statusCode, answer.json()]).toEqual([
      503,
      {
        ready: false,
        problems: [{ code: 'provider/paused', provider: 'twilio' }, { code: 'store/disk-full' }],
      },
    ])
  })

  test('may be fine while a provider is not', async () => {
    const problems = [{ code: 'provider/no-credentials', provider: 'fcm', message: '' }]
    await using api = await openApi({ health: async () => ({ ready: true, problems }) })
    const answer = await api.server.inject('/readyz')
    expect([answer.statusCode, answer.json().problems.length]).toEqual([200, 1])
  })
})

describe('a process without the role api', () => {
  test('tells how it does, and serves nothing else', async () => {
    await using api = await openApi({ operationsOnly: true })
    for (const url of ['/healthz', '/readyz']) {
      expect((await api.server.inject(url)).statusCode).toBe(200)
    }
    for (const url of ['/v1/queues', '/openapi.json', '/v1/notifications']) {
      expect((await api.ask('GET', url)).statusCode).toBe(404)
    }
    const receipt = await api.ask('POST', '/v1/callbacks/twilio/shop', '[]', { 'x-signed': 'yes' })
    expect(receipt.statusCode).toBe(404)
  })
})
