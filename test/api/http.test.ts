import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { Unavailable, VersionConflict } from '#ports/errors.ts'
import { openApi, request } from '../support/api.ts'
import { settle } from '../support/fake-clock.ts'

const id = '00000000-0000-5000-8000-000000000000'

describe('a path', () => {
  test.each([
    '/',
    '/v1',
    '/v1/',
    '/v2/notifications',
    '/v1/notification',
    '/v1/notifications/',
    `/v1/notifications/${id}/`,
    `/v1/notifications/${id}/retry`,
    '/V1/notifications',
    '/metrics',
    '/admin',
    '/openapi.yaml',
    '/documentation',
    '/.env',
    '//v1/notifications',
  ])('%s that is not there is answered with 404', async (url) => {
    await using api = await openApi()
    const answer = await api.ask('GET', url)
    const known = ['request/not-found', 'notification/not-found']
    expect(answer.statusCode).toBe(404)
    expect(known).toContain(answer.json().code)
    expect(answer.headers['content-type']).toContain('application/problem+json')
  })

  test.each([
    ['DELETE', '/v1/notifications', 'GET, HEAD, POST'],
    ['PUT', `/v1/notifications/${id}`, 'GET, HEAD'],
    ['GET', `/v1/notifications/${id}/cancel`, 'POST'],
    ['GET', '/v1/callbacks/twilio/shop', 'POST'],
    ['PATCH', '/v1/recipients/mina', 'GET, HEAD, PUT'],
    ['POST', '/v1/recipients/mina/devices/d', 'DELETE, PUT'],
    ['DELETE', '/v1/templates/hello', 'GET, HEAD, PUT'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['OPTIONS', '/v1/notifications', 'GET, HEAD, POST'],
  ] as const)('that does not know %s (%s) says what it knows', async (method, url, allow) => {
    await using api = await openApi()
    const answer = await api.ask(method, url)
    expect(answer.json()).toMatchObject({ status: 405, code: 'request/method-not-allowed' })
    expect(answer.headers.allow).toBe(allow)
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('is not changed by a header that names another method', async () => {
    await using api = await openApi()
    const headers = { 'x-http-method-override': 'DELETE', 'x-method-override': 'PUT' }
    expect((await api.ask('GET', '/v1/queues', undefined, headers)).statusCode).toBe(200)
  })

  test.each(['/v1/notifications/%', '/v1/recipients/%ff', '/v1/recipients/%ed%a0%80'])(
    '%s that cannot be decoded is refused',
    async (url) => {
      await using api = await openApi()
      const answer = await api.ask('GET', url)
      expect(answer.json()).toMatchObject({ status: 400, code: 'request/malformed' })
    },
  )

  test('of any length finds nothing', async () => {
    await using api = await openApi()
    const answer = await api.ask('GET', `/v1/recipients/${'x'.repeat(10_000)}`)
    expect(answer.json()).toMatchObject({ status: 404, code: 'request/not-found' })
  })

  test('is asked with HEAD as with GET', async () => {
    await using api = await openApi()
    const answer = await api.ask('HEAD', '/healthz')
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
  })
})

describe('an error', () => {
  const failing = (error: Error) =>
    openApi({
      accept: async () => {
        throw error
      },
    })

  test('nobody thought of is logged with its stack, and told nothing of', async () => {
    await using api = await failing(new TypeError('secret of /home/pabal and +821012345678'))
    const answer = await api.ask('POST', '/v1/notifications', request())
    expect(answer.json()).toEqual({
      type: '/errors#internal',
      title: 'Something went wrong here',
      status: 500,
      code: 'internal',
      detail: 'This is our fault; the log says more.',
    })
    const [line] = api.logged.filter((each) => each.level === 'error')
    expect(line!.fields.route).toBe('/v1/notifications')
    expect((line!.fields.error as Error).stack).toContain('TypeError')
  })

  test('of somebody who was faster is a conflict', async () => {
    await using api = await failing(new VersionConflict('recipient-x'))
    const answer = await api.ask('POST', '/v1/notifications', request())
    expect(answer.json()).toMatchObject({ status: 409, code: 'conflict' })
    expect(answer.body).not.toContain('recipient-x')
  })

  test('of a store that does not answer says when to come back', async () => {
    await using api = await failing(new Unavailable('store/disk-full', 'in /var/lib/pabal'))
    const answer = await api.ask('POST', '/v1/notifications', request())
    expect(answer.json()).toMatchObject({ status: 503, code: 'store/disk-full' })
    expect(answer.headers['retry-after']).toBe('1')
    expect(answer.body).not.toContain('/var/lib')
    expect(api.logged.filter((each) => each.level === 'warn').length).toBe(1)
  })

  test('in a batch costs its line, and is logged', async () => {
    await using api = await failing(new Error('secret'))
    const answer = await api.ask('POST', '/v1/notifications/batch', JSON.stringify(request()), {
      'content-type': 'application/x-ndjson',
    })
    expect(JSON.parse(answer.body)).toMatchObject({ line: 1, status: 500 })
    expect(answer.body).not.toContain('secret')
    expect(api.logged.filter((each) => each.level === 'error').length).toBe(1)
  })
})

describe('the request log', () => {
  test('names the route, the app and the key, and no person', async () => {
    await using api = await openApi()
    await api.ask('PUT', '/v1/recipients/mina@example.org', { phone: '+821012345678' })
    await api.ask('GET', '/v1/notifications?userId=mina@example.org')
    await api.ask('GET', '/v1/nothing/mina@example.org')
    const lines = api.logged.filter((each) => each.message === 'A request was answered.')
    expect(lines[0]).toMatchObject({
      level: 'debug',
      fields: { method: 'PUT', route: '/v1/recipients/:userId', status: 200, app: 'shop' },
    })
    const text = JSON.stringify(api.logged)
    expect(text).not.toContain('mina')
    expect(text).not.toContain(api.key)
  })
})

describe('over a socket', () => {
  const open = async () => {
    const api = await openApi({ clock: createSystemClock() })
    const { port } = new URL(await api.server.listen({ port: 0, host: '127.0.0.1' }))
    const say = (text: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1')
        let heard = ''
        socket.setEncoding('utf8').on('data', (piece) => {
          heard += piece
        })
        socket.on('close', () => resolve(heard))
        socket.on('error', () => resolve(heard))
        socket.end(text)
      })
    return { api, say }
  }
  const problemIn = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))

  test('headers of more than 16 KB are refused', async () => {
    const { api, say } = await open()
    await using _api = api
    const answer = await say(
      `GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    expect(problemIn(answer).code).toBe('request/header-too-large')
  })

  test.each([
    ['what is no HTTP', 'HELO\r\n\r\n'],
    [
      'two lengths',
      'POST /v1/notifications HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a bad length', 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
  ])('%s is refused', async (_what, text) => {
    const { api, say } = await open()
    await using _api = api
    const answer = await say(text)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(problemIn(answer).code).toBe('request/malformed')
  })

  test('what comes while the service stops is refused, what is under way is answered', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const api = await openApi({
      clock: createSystemClock(),
      health: async () => {
        await held
        return { ready: true, problems: [] }
      },
    })
    const url = await api.server.listen({ port: 0, host: '127.0.0.1' })
    const under = fetch(`${url}/readyz`)
    await new Promise((resolve) => api.server.server.once('request', resolve))
    const late = connect(Number(new URL(url).port), '127.0.0.1').setEncoding('utf8')
    late.write('GET /healthz HTTP/1.1\r\nHost: x\r\n')
    await settle(50)
    const closed = api.server.close()
    await settle(50)
    late.write('\r\n')
    const said = await new Promise<string>((resolve) => late.once('data', resolve as never))
    expect(said).toMatch(/^HTTP\/1\.1 503 /)
    expect(problemIn(said).code).toBe('service/stopping')
    release()
    const answer = await under
    expect([answer.status, ((await answer.json()) as { ready: boolean }).ready]).toEqual([
      503,
      false,
    ])
    await closed
  })
})
