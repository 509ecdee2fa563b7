import { describe, expect, test } from 'vitest'
import { openApi, request, type TestApi } from '../support/api.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
const id = '00000000-0000-5000-8000-000000000000'

/** What each scope is for. */
const routes: readonly (readonly [Method, string, string])[] = [
  ['POST', '/v1/notifications', 'send'],
  ['POST', '/v1/notifications/batch', 'send'],
  ['POST', `/v1/notifications/${id}/cancel`, 'send'],
  ['POST', `/v1/notifications/${id}/redrive`, 'operate'],
  ['GET', '/v1/notifications', 'read'],
  ['GET', `/v1/notifications/${id}`, 'read'],
  ['GET', `/v1/notifications/${id}/events`, 'read'],
  ['GET', `/v1/notifications/${id}/explanation`, 'read'],
  ['GET', '/v1/recipients/mina/history', 'read'],
  ['GET', '/v1/events', 'read'],
  ['GET', '/v1/recipients/mina', 'recipients'],
  ['PUT', '/v1/recipients/mina', 'recipients'],
  ['PUT', '/v1/recipients/mina/devices/phone', 'recipients'],
  ['DELETE', '/v1/recipients/mina/devices/phone', 'recipients'],
  ['PUT', '/v1/recipients/mina/preferences', 'recipients'],
  ['POST', '/v1/suppressions', 'recipients'],
  ['POST', '/v1/suppressions/release', 'recipients'],
  ['GET', '/v1/templates', 'templates'],
  ['GET', '/v1/templates/hello', 'templates'],
  ['PUT', '/v1/templates/hello', 'templates'],
  ['POST', '/v1/templates/hello/preview', 'templates'],
  ['GET', '/v1/queues', 'operate'],
]

const withKey = (api: TestApi, key: string | undefined, method: Method, url: string) =>
  api.server.inject({
    method,
    url,
    ...(key !== undefined && { headers: { authorization: `Bearer ${key}` } }),
  })

describe('a key', () => {
  test.each(routes)('is needed for %s %s, with the scope %s', async (method, url, scope) => {
    await using api = await openApi()
    const missing = await withKey(api, undefined, method, url)
    expect(missing.statusCode).toBe(401)
    expect(missing.headers['www-authenticate']).toBe('Bearer')
    const others = (['send', 'read', 'recipients', 'templates', 'operate'] as const).filter(
      (each) => each !== scope,
    )
    const without = await withKey(api, await api.keyOf('shop', ...others), method, url)
    expect(without.statusCode).toBe(403)
    expect(without.json()).toMatchObject({ code: 'auth/scope-missing' })
    const granted = await withKey(api, await api.keyOf('shop', scope as 'send'), method, url)
    expect([401, 403]).not.toContain(granted.statusCode)
  })

  test('list above names every route that takes one', async () => {
    await using api = await openApi()
    const { paths } = (await api.ask('GET', '/openapi.json')).json()
    const keyed = Object.entries<Record<string, { security?: unknown }>>(paths).flatMap(
      ([path, methods]) =>
        Object.entries(methods)
          .filter(([, operation]) => operation.security)
          .map(([method]) => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '*')}`),
    )
    const listed = routes.map(([method, url]) => {
      const path = url.replace(id, '*').replace('/mina', '/*').replace('/phone', '/*')
      return `${method} ${path.replace('/hello', '/*')}`
    })
    expect(keyed.sort()).toEqual([...listed].sort())
  })

  test('that is wrong in any way gets the same answer as none', async () => {
    await using api = await openApi()
    const other = await api.keyOf('shop', 'send')
    const revoked = await api.keyOf('shop', 'send')
    const keyId = /pbl_live_(.+)_[\w-]{43}$/.exec(revoked)![1]!
    await api.needs.apps.revokeKey('shop', keyId, 'cli')
    const headers = [
      {},
      { authorization: '' },
      { authorization: other },
      { authorization: `Basic ${other}` },
      { authorization: `Bearer ${revoked}` },
      { authorization: `Bearer ${other.slice(0, -1)}` },
      { authorization: `Bearer ${other.slice(0, -1)}${other.endsWith('A') ? 'B' : 'A'}` },
      { authorization: `Bearer ${other.toUpperCase()}` },
      { authorization: `Bearer ${other.replace('shop.', 'bank.')}` },
      { authorization: `Bearer ${other.replace('pbl_live', 'pbl_test')}` },
      { authorization: `Bearer ${other} ${'x'.repeat(500)}` },
    ]
    const before = (await api.recorded()).length
    const answers = await Promise.all(
      headers.map((each) =>
        api.server.inject({
          method: 'POST',
          url: `/v1/notifications?key=${other}`,
          headers: { ...each, 'content-type': 'application/json' },
          payload: JSON.stringify(request()),
        }),
      ),
    )
    expect(new Set(answers.map((each) => each.statusCode))).toEqual(new Set([401]))
    expect(new Set(answers.map((each) => each.body)).size).toBe(1)
    expect((await api.recorded()).length).toBe(before)
  })

  test('is taken whatever the case of its scheme', async () => {
    await using api = await openApi()
    const authorization = `bearer ${api.key}`
    const answer = await api.ask('GET', '/v1/queues', undefined, { authorization })
    expect(answer.statusCode).toBe(200)
  })

  test('holds no longer once it is revoked', async () => {
    await using api = await openApi()
    const key = await api.keyOf('shop', 'read')
    const keyId = /pbl_live_(.+)_[\w-]{43}$/.exec(key)![1]!
    expect((await withKey(api, key, 'GET', '/v1/events')).statusCode).toBe(200)
    await api.needs.apps.revokeKey('shop', keyId, 'cli')
    expect((await withKey(api, key, 'GET', '/v1/events')).statusCode).toBe(401)
  })

  test('is not needed to see whether the service lives, nor for its description', async () => {
    await using api = await openApi()
    for (const url of ['/healthz', '/readyz', '/openapi.json']) {
      expect((await withKey(api, undefined, 'GET', url)).statusCode).toBe(200)
    }
  })

  test('makes every answer of /v1 one that is not kept', async () => {
    await using api = await openApi()
    for (const url of ['/v1/queues', '/v1/notifications/none', '/v1/events']) {
      expect((await api.ask('GET', url)).headers['cache-control']).toBe('no-store')
      const refused = await withKey(api, undefined, 'GET', url)
      expect(refused.headers['cache-control']).toBe('no-store')
    }
  })
})

describe('a key that asks too often', () => {
  const limits = { ratePerSecond: 2, requestTimeoutMs: 15_000, batchIdleMs: 15_000 }

  test('is told when to come back, and others are not held up', async () => {
    await using api = await openApi({ limits })
    const other = await api.keyOf('shop', 'operate')
    await api.ask('GET', '/v1/queues')
    await api.ask('GET', '/v1/queues')
    const refused = await api.ask('GET', '/v1/queues')
    expect(refused.statusCode).toBe(429)
    expect(refused.json()).toMatchObject({ code: 'request/rate-limited' })
    expect(refused.headers).toMatchObject({
      'retry-after': '1',
      'ratelimit-policy': '"key";q=2;w=1',
      ratelimit: '"key";r=0;t=1',
    })
    expect((await withKey(api, other, 'GET', '/v1/queues')).statusCode).toBe(200)
    await api.clock.advance(500)
    expect((await api.ask('GET', '/v1/queues')).statusCode).toBe(200)
  })

  test('is slowed down within a batch, not refused', async () => {
    await using api = await openApi({ limits })
    const lines = [1, 2, 3, 4, 5].map((n) => JSON.stringify(request({ eventId: `e${n}` })))
    const answer = api.ask('POST', '/v1/notifications/batch', lines.join('\n'), {
      'content-type': 'application/x-ndjson',
    })
    await api.clock.advance(2_000)
    const statuses = (await answer).body
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each).status)
    expect(statuses).toEqual([202, 202, 202, 202, 202])
  })
})
