import { describe, expect, test } from 'vitest'
import { Secret } from '#ports/secret.ts'
import { createTelemetry } from '#src/app/telemetry/telemetry.ts'
import { openApi } from '../support/api.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const token = 'a token for Prometheus'
const open = (shown?: string) =>
  openApi({
    metrics: createTelemetry({
      clock: createFakeClock(),
      log: () => undefined,
      ...(shown !== undefined && { token: new Secret(shown) }),
    }).metrics,
  })
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

describe('GET /metrics', () => {
  test('answers the token that was set, in the text format', async () => {
    await using api = await open(token.replaceAll(' ', '-'))
    const headers = bearer(token.replaceAll(' ', '-'))
    const answer = await api.server.inject({ url: '/metrics', headers })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.body).toContain('# TYPE process_memory_usage_bytes gauge')
  })

  test('answers a key that may operate, and no other', async () => {
    await using api = await open()
    expect((await api.ask('GET', '/metrics')).statusCode).toBe(200)
    const sender = await api.keyOf('shop', 'send', 'read')
    const refused = await api.ask('GET', '/metrics', undefined, bearer(sender))
    expect(refused.json()).toMatchObject({ status: 403, code: 'auth/scope-missing' })
  })

  test.each([
    ['nothing', {}],
    ['an empty token', bearer('')],
    ['another token', bearer('another-token-of-somebody')],
    ['the token in another way', { authorization: `Basic ${token}` }],
  ])('tells a stranger with %s nothing', async (_what, headers) => {
    await using api = await open(token.replaceAll(' ', '-'))
    const answer = await api.server.inject({ url: '/metrics', headers })
    expect(answer.json()).toMatchObject({ status: 401, code: 'auth/key-invalid' })
  })

  test('counts requests by route, never by path', async () => {
    await using api = await open()
    await api.ask('GET', '/v1/recipients/mina-who-is-a-person')
    await api.ask('GET', '/nowhere/mina-who-is-a-person')
    const { body } = await api.ask('GET', '/metrics')
    expect(body).toContain('http_route="/v1/recipients/:userId"')
    expect(body).not.toContain('mina')
  })

  test('is not there where nothing is measured', async () => {
    await using api = await openApi()
    expect((await api.ask('GET', '/metrics')).statusCode).toBe(404)
  })
})
