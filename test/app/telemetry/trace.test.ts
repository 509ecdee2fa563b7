import { afterEach, describe, expect, test } from 'vitest'
import { createTelemetry } from '#src/app/telemetry/telemetry.ts'
import { request as apiRequest, openApi } from '../../support/api.ts'
import { ancestry, collectSpans } from '../../support/collect-spans.ts'
import { createWorld, openService } from '../../support/open-service.ts'
import { toPhone } from '../../support/people.ts'

const { sdk, spans } = collectSpans()
const traceId = '0af7651916cd43dd8448eb211c80319c'
const told = `00-${traceId}-b7ad6b7169203331-01`

afterEach(() => void spans.splice(0))

const openTraced = async () => {
  const world = createWorld()
  const telemetry = createTelemetry({ clock: world.clock, log: () => undefined, sdk })
  return openService({ world, telemetry })
}

const named = (name: string) => {
  const found = spans.filter((span) => span.name === name)
  expect(found.length, `${name} among ${spans.map((each) => each.name)}`).toBeGreaterThan(0)
  return found
}

const traceOfEvents = async (service: Awaited<ReturnType<typeof openTraced>>, id: string) =>
  (await service.eventsOf(id)).map((event) => event.metadata.traceparent?.slice(3, 35))

describe('the trace of a notification', () => {
  test('leads from the receipt back to the request, through attempt, route and relay', async () => {
    await using service = await openTraced()
    const { answer } = await service.accept(toPhone(), undefined, told)
    await service.quiet(20_000, { accepted: true })
    await service.receipt(service.world.twilio.sent[0]!, { is: 'delivered' })

    const receipt = named('append NotificationDelivered').at(-1)!
    const way = ancestry(spans, receipt).map((span) => span.name)
    expect(way).toEqual([
      'append NotificationDelivered',
      'append NotificationAccepted',
      'process sms',
      'publish sms',
      'append NotificationRouted',
      'process route',
      'publish route',
      'append NotificationRequested',
    ])
    expect(ancestry(spans, named('send twilio')[0]!).map((span) => span.name)).toContain(
      'append NotificationRequested',
    )
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]))
    expect(new Set(await traceOfEvents(service, answer.id))).toEqual(new Set([traceId]))
  })

  test('is linked across the queue', async () => {
    await using service = await openTraced()
    await service.accept(toPhone(), undefined, told)
    await service.quiet(20_000, { accepted: true })
    for (const lane of ['route', 'sms']) {
      const publish = named(`publish ${lane}`)[0]!
      expect(named(`process ${lane}`)[0]!.links).toEqual([publish.spanId])
    }
  })

  test('is gone on with by a retry that time has brought', async () => {
    await using service = await openTraced()
    service.world.twilio.answerOnce({ is: 'retry', code: '20429', reason: 'Too many.' })
    await service.accept(toPhone(), undefined, told)
    await service.quiet(120_000, { accepted: true })
    expect(service.world.twilio.sent).toHaveLength(2)
    const sends = named('send twilio')
    expect(sends.map((span) => span.traceId)).toEqual([traceId, traceId])
    expect(sends.map((span) => span.failed)).toEqual([true, false])
    expect(sends[0]!.attributes).toMatchObject({ 'pabal.outcome': 'retry', 'error.type': '20429' })
  })

  test('holds nothing that names a person', async () => {
    await using service = await openTraced()
    await service.accept(toPhone(), undefined, told)
    await service.quiet(20_000, { accepted: true })
    const { to, content } = service.world.twilio.sent[0]!.message
    const text = JSON.stringify(spans)
    expect(text).not.toContain((to as { phone: string }).phone.slice(1))
    expect(text).not.toContain(content.body)
  })

  test('begins anew for a request that brings none', async () => {
    await using service = await openTraced()
    const { answer } = await service.accept(toPhone())
    await service.quiet(20_000, { accepted: true })
    const [only, ...others] = new Set(await traceOfEvents(service, answer.id))
    expect(only).toMatch(/^[0-9a-f]{32}$/)
    expect(others).toEqual([])
  })
})

describe('what is recorded in the course of another trace', () => {
  test("belongs to the notification's own, and is linked to it", async () => {
    await using service = await openTraced()
    const { answer } = await service.accept(
      toPhone({ sendAt: '2099-01-01T00:00:00Z' }),
      undefined,
      told,
    )
    const asking = sdk.tracing!.start('a request to cancel', { kind: 'server', root: true })
    await sdk.tracing!.within(asking, () => service.cancel(answer.id))
    const cancelled = named('append NotificationCancelled')[0]!
    expect(cancelled.traceId).toBe(traceId)
    expect(cancelled.links).toEqual([asking.traceparent.slice(36, 52)])
    expect(ancestry(spans, cancelled).map((span) => span.name)).toContain(
      'append NotificationRequested',
    )
  })

  test('is marked when the log refuses it', async () => {
    await using service = await openTraced()
    const asked = toPhone({ sendAt: '2099-01-01T00:00:00Z' })
    await service.accept(asked, undefined, told)
    await service.accept(asked, undefined, told)
    expect(named('append NotificationRequested').map((span) => span.failed)).toEqual([false, true])
  })
})

describe('without the SDK', () => {
  test("the producer's traceparent stays with all that follows", async () => {
    await using service = await openService()
    const { answer } = await service.accept(toPhone(), undefined, told)
    await service.quiet(20_000, { accepted: true })
    await service.receipt(service.world.twilio.sent[0]!, { is: 'delivered' })
    const recorded = await service.eventsOf(answer.id)
    expect(recorded.length).toBeGreaterThan(4)
    expect(recorded.map((event) => event.metadata.traceparent)).toEqual(recorded.map(() => told))
    expect(spans).toEqual([])
  })
})

describe('a request', () => {
  const headers = { traceparent: told }

  test('is a span in the trace that the producer brought', async () => {
    await using api = await openApi({ tracing: sdk.tracing })
    await api.ask('POST', '/v1/notifications', apiRequest(), headers)
    const [span] = named('POST /v1/notifications')
    expect(span).toMatchObject({ traceId, parentId: 'b7ad6b7169203331' })
    expect(span!.attributes).toMatchObject({ 'http.response.status_code': 202 })
    const { metadata } = (await api.recorded()).at(-1)!
    expect(metadata.traceparent).toBe(`00-${traceId}-${span!.spanId}-01`)
  })

  test.each([
    ['nonsense', 'nonsense'],
    ['a trace of nought', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['a version nobody knows', `ff-${traceId}-b7ad6b7169203331-01`],
  ])('without the SDK records no traceparent that is %s', async (_what, traceparent) => {
    await using api = await openApi()
    await api.ask('POST', '/v1/notifications', apiRequest(), { traceparent })
    expect((await api.recorded()).at(-1)!.metadata.traceparent).toBeUndefined()
    await api.ask('POST', '/v1/notifications', apiRequest({ eventId: 'other' }), headers)
    expect((await api.recorded()).at(-1)!.metadata.traceparent).toBe(told)
  })

  test('of a stranger does not choose its trace', async () => {
    await using api = await openApi({ tracing: sdk.tracing })
    await api.server.inject({ url: '/healthz', headers })
    expect(named('GET /healthz')[0]!.traceId).not.toBe(traceId)
  })

  test('with many lines gives each notification a trace of its own, linked to it', async () => {
    await using api = await openApi({ tracing: sdk.tracing })
    const lines = ['a', 'b'].map((eventId) => JSON.stringify(apiRequest({ eventId }))).join('\n')
    const type = { 'content-type': 'application/x-ndjson' }
    await api.ask('POST', '/v1/notifications/batch', lines, { ...headers, ...type })
    const requested = (await api.recorded()).filter(({ type }) => type === 'NotificationRequested')
    const traces = requested.map((event) => event.metadata.traceparent!.slice(3, 35))
    expect(new Set(traces).size).toBe(2)
    expect(traces).not.toContain(traceId)
    const batch = named('POST /v1/notifications/batch')[0]!
    expect(named('accept line').map((span) => span.links)).toEqual([[batch.spanId], [batch.spanId]])
  })
})
