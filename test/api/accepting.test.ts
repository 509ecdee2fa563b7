import { describe, expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { notificationIdOf } from '#domain/identity.ts'
import { EventTooLarge } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'
import { openApi, request, type TestApi } from '../support/api.ts'

const post = (api: TestApi, body: unknown) => api.ask('POST', '/v1/notifications', body)
const ofNotifications = async (api: TestApi) =>
  (await api.recorded()).filter((event) => event.stream.startsWith('notification-'))

const hello = (body = 'Hello {{name}}') => ({
  defaultLocale: 'en',
  contents: { en: { sms: { body } } },
})
const withTemplate = (over: Readonly<Record<string, unknown>> = {}) => ({
  eventId: 'order-1:mina',
  to: { userId: 'mina' },
  template: { name: 'hello' },
  data: { name: 'Mina' },
  ...over,
})

describe('a request', () => {
  test('is recorded before it is answered, under the app of the key', async () => {
    await using api = await openApi()
    const answer = await post(api, request())
    expect(answer.statusCode).toBe(202)
    const id = notificationIdOf('shop', 'order-1:mina')
    expect(answer.json()).toEqual({ id, eventId: 'order-1:mina', status: 'requested' })
    expect(answer.headers).toMatchObject({ location: `/v1/notifications/${id}` })
    expect(answer.headers).not.toHaveProperty('pabal-replayed')
    const [event] = await ofNotifications(api)
    expect(event).toMatchObject({
      type: 'NotificationRequested',
      data: { app: 'shop', priority: 'normal', category: 'transactional' },
      personal: { to: { phone: '+821012345678' } },
    })
    expect(JSON.stringify(event!.data)).not.toContain('1012345678')
  })

  test('for a user nobody knows is taken, and ends as suppressed', async () => {
    await using api = await openApi()
    const { id } = (await post(api, request({ to: { userId: 'nobody' } }))).json()
    await api.route(id)
    const answer = (await api.ask('GET', `/v1/notifications/${id}`)).json()
    expect(answer).toMatchObject({ status: 'suppressed', deliveries: [] })
    expect(answer.passedOver).toMatchObject([{ reason: 'recipient-unknown' }])
  })

  test('for a user without an endpoint is taken, and ends as suppressed', async () => {
    await using api = await openApi()
    await api.ask('PUT', '/v1/recipients/mina', { locale: 'ko' })
    const { id } = (await post(api, request({ to: { userId: 'mina' } }))).json()
    await api.route(id)
    const answer = (await api.ask('GET', `/v1/notifications/${id}`)).json()
    expect(answer.status).toBe('suppressed')
    expect(answer.passedOver[0]).toMatchObject({ reason: 'no-endpoint' })
  })

  test.each([
    ['an unknown template', withTemplate(), 'template/not-found', '/template/name'],
    [
      'an unknown category',
      request({ category: 'weather' }),
      'notification/category-unknown',
      '/category',
    ],
    [
      'a category that every object has',
      request({ category: 'constructor' }),
      'notification/category-unknown',
      '/category',
    ],
  ])('with %s is refused', async (_what, body, code, pointer) => {
    await using api = await openApi()
    expect((await post(api, body)).json()).toMatchObject({ status: 422, code, pointer })
    expect(await ofNotifications(api)).toEqual([])
  })

  test('with a template has to bring its variables, and a version that is there', async () => {
    await using api = await openApi()
    await api.ask('PUT', '/v1/templates/hello', hello())
    const missing = await post(api, withTemplate({ data: {} }))
    expect(missing.json()).toMatchObject({
      status: 422,
      code: 'notification/data-missing',
      pointer: '/data/name',
    })
    const version = await post(api, withTemplate({ template: { name: 'hello', version: 2 } }))
    expect(version.json()).toMatchObject({
      status: 422,
      code: 'template/version-not-found',
      pointer: '/template/version',
    })
    expect((await post(api, withTemplate())).statusCode).toBe(202)
    const [event] = await ofNotifications(api)
    expect(event!.data.template).toEqual({ name: 'hello', version: 1 })
  })

  test('may be for a time in a year, or in the past', async () => {
    await using api = await openApi()
    const later = await post(api, request({ eventId: 'a', sendAt: '2027-01-01T09:00:00+09:00' }))
    expect(later.json()).toMatchObject({ status: 'scheduled' })
    const past = await post(api, request({ eventId: 'b', sendAt: '2020-01-01T00:00:00Z' }))
    expect(past.json()).toMatchObject({ status: 'requested' })
    const leap = await post(api, request({ eventId: 'c', sendAt: '2028-02-29T00:00:00Z' }))
    expect(leap.statusCode).toBe(202)
  })

  test('that expires before it is sent is refused', async () => {
    await using api = await openApi()
    const sendAt = '2026-03-01T09:00:00+09:00'
    for (const expiresAt of ['2026-03-01T00:00:00Z', '2026-02-28T23:59:59.999Z']) {
      const answer = await post(api, request({ sendAt, expiresAt }))
      const code = 'notification/expired-before-sent'
      expect(answer.json()).toMatchObject({ status: 400, code, pointer: '/expiresAt' })
    }
    const just = await post(api, request({ sendAt, expiresAt: '2026-03-01T00:00:00.001Z' }))
    expect(just.statusCode).toBe(202)
  })
})

describe('an event id', () => {
  const odd = [
    'a',
    'á',
    'a\u0301',
    'A',
    ' a',
    'a ',
    'a\u0000',
    '\u0000a',
    'a\u0000b',
    'shop\u0000a',
    '\ufeffa',
    '\u202ea',
    'a\u200db',
    'ﬁ',
    'fi',
    '👨‍👩‍👧',
    '../../x',
    '%2e%2e',
    "'; DROP TABLE",
    '{{x}}',
    '$all',
    '__proto__',
    'constructor',
    '\ufffd',
    '\uffff',
    'x'.repeat(255),
    '👍'.repeat(255),
  ]

  test('may be any Unicode, and no two of them ever meet', async () => {
    await using api = await openApi()
    const ids = new Set<string>()
    for (const eventId of odd) {
      const answer = await post(api, request({ eventId }))
      expect(answer.statusCode).toBe(202)
      expect(answer.json().eventId).toBe(eventId)
      ids.add(answer.json().id)
      const url = `/v1/notifications?eventId=${encodeURIComponent(eventId)}`
      expect((await api.ask('GET', url)).json()).toMatchObject({ id: answer.json().id, eventId })
    }
    expect(ids.size).toBe(odd.length)
  })

  test('belongs to its app alone, whatever an app or an id is called', async () => {
    await using api = await openApi()
    const apps = ['a', 'a-b', 'b', 'notification']
    const ids = apps.flatMap((app) => odd.map((eventId) => notificationIdOf(app, eventId)))
    expect(new Set(ids).size).toBe(apps.length * odd.length)
    const bank = await api.keyOf('bank')
    const mine = (await post(api, request())).json()
    const theirs = await api.ask('POST', '/v1/notifications', request(), {
      authorization: `Bearer ${bank}`,
    })
    expect(theirs.statusCode).toBe(202)
    expect(theirs.json().id).not.toBe(mine.id)
  })

  test('is counted in code points', async () => {
    await using api = await openApi()
    const answer = await post(api, request({ eventId: '👍'.repeat(256) }))
    expect(answer.json()).toMatchObject({ status: 400, pointer: '/eventId' })
  })
})

describe('the same event id again', () => {
  test('with the same body gets the first answer, byte for byte', async () => {
    await using api = await openApi()
    const first = await post(api, request({ priority: 'urgent' }))
    await api.route(first.json().id)
    await api.clock.advance(3_600_000)
    // Written otherwise, it is the same body.
    const { eventId, to, content } = request()
    const again = await post(
      api,
      JSON.stringify({ priority: 'urgent', content, to, eventId }, null, 2),
    )
    expect(again.statusCode).toBe(202)
    expect(again.rawPayload.equals(first.rawPayload)).toBe(true)
    expect(again.headers['content-type']).toBe(first.headers['content-type'])
    expect(again.headers['pabal-replayed']).toBe('true')
    expect((await ofNotifications(api)).length).toBe(2)
  })

  test.each([
    ['another content', { content: { body: 'x' } }],
    ['a default said aloud', { priority: 'normal' }],
    ['another person', { to: { phone: '+821012345679' } }],
  ])('with %s is refused, in both orders', async (_what, over) => {
    const bodies = [request(), request(over)]
    for (const [one, other] of [bodies, bodies.toReversed()]) {
      await using api = await openApi()
      expect((await post(api, one)).statusCode).toBe(202)
      const refused = await post(api, other)
      expect(refused.json()).toMatchObject({
        status: 422,
        code: 'event-id/reused',
        pointer: '/eventId',
      })
      expect((await post(api, one)).headers['pabal-replayed']).toBe('true')
      expect((await ofNotifications(api)).length).toBe(1)
    }
  })

  test('at the same moment is recorded once', async () => {
    await using api = await openApi()
    const answers = await Promise.all(
      [request(), request(), request({ priority: 'bulk' }), request()].map((each) =>
        post(api, each),
      ),
    )
    const statuses = answers.map((each) => each.statusCode)
    expect(statuses.filter((each) => each === 202).length).toBe(3)
    expect(statuses.filter((each) => each === 422).length).toBe(1)
    const taken = answers.filter((each) => each.statusCode === 202)
    expect(new Set(taken.map((each) => each.body)).size).toBe(1)
    expect(taken.filter((each) => !each.headers['pabal-replayed']).length).toBe(1)
    expect((await ofNotifications(api)).length).toBe(1)
  })

  test('after its category was taken away gets the first answer', async () => {
    const events = createMemoryEventStore()
    await using before = await openApi({ events })
    const first = await post(before, request({ category: 'ads' }))
    expect(first.statusCode).toBe(202)
    await using after = await openApi({ events, categories: {} })
    const again = await post(after, request({ category: 'ads' }))
    expect(again.body).toBe(first.body)
    const other = await post(after, request({ category: 'ads', eventId: 'another' }))
    expect(other.json()).toMatchObject({ status: 422, code: 'notification/category-unknown' })
  })

  test('after the log takes less gets the first answer', async () => {
    const events = createMemoryEventStore()
    await using before = await openApi({ events })
    const first = await post(before, request())
    const append: EventStore['append'] = async (stream, ...rest) => {
      if (stream.startsWith('notification-')) throw new EventTooLarge('Less than that.')
      return events.append(stream, ...rest)
    }
    await using after = await openApi({ events: { ...events, append } })
    const again = await post(after, request())
    expect(again.body).toBe(first.body)
    const other = await post(after, request({ eventId: 'another' }))
    expect(other.json()).toMatchObject({ status: 413, code: 'event/too-large' })
  })

  test('after the template changed gets the first answer', async () => {
    await using api = await openApi()
    await api.ask('PUT', '/v1/templates/hello', hello())
    const first = await post(api, withTemplate())
    await api.ask('PUT', '/v1/templates/hello', hello('Hello {{name}}, {{more}}'))
    const again = await post(api, withTemplate())
    expect(again.body).toBe(first.body)
    expect(again.headers['pabal-replayed']).toBe('true')
    const other = await post(api, withTemplate({ data: { name: 'Jun' } }))
    expect(other.json()).toMatchObject({ status: 422, code: 'event-id/reused' })
    expect((await ofNotifications(api)).length).toBe(1)
  })
})
