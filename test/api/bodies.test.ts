import { describe, expect, test } from 'vitest'
import { openApi, request } from '../support/api.ts'

const deep = (levels: number): unknown => {
  let value: unknown = 'x'
  for (let level = 0; level < levels; level += 1) value = [value]
  return value
}
const text = (over: Readonly<Record<string, unknown>> = {}): string => JSON.stringify(request(over))
/** A body with a raw piece of JSON as its data. */
const withData = (data: string): string => text({ data: '@' }).replace('"@"', data)
const device = { platform: 'ios', token: 'a1' }

const shape: readonly (readonly [string, string, string, string])[] = [
  ['nothing at all', '', 'request/invalid', ''],
  ['half a body', '{"eventId":', 'request/not-json', ''],
  ['two bodies', `${text()}${text()}`, 'request/not-json', ''],
  ['a byte order mark', `\ufeff${text()}`, 'request/not-json', ''],
  ['null', 'null', 'request/invalid', ''],
  ['a list', '[]', 'request/invalid', ''],
  ['a text', '"order-1"', 'request/invalid', ''],
  ['no event id', text({ eventId: undefined }), 'request/invalid', '/eventId'],
  ['a number as event id', text({ eventId: 1 }), 'request/invalid', '/eventId'],
  ['an empty event id', text({ eventId: '' }), 'request/invalid', '/eventId'],
  ['a long event id', text({ eventId: 'x'.repeat(256) }), 'request/invalid', '/eventId'],
  ['an app', text({ app: 'bank' }), 'request/invalid', '/app'],
  ['a tenant', text({ tenantId: 'bank' }), 'request/invalid', '/tenantId'],
  ['a status', text({ status: 'delivered' }), 'request/invalid', '/status'],
  ['a callback address', text({ callbackUrl: 'http://x' }), 'request/invalid', '/callbackUrl'],
  ['a field that has a slash', text({ 'a/b~c': 1 }), 'request/invalid', '/a~1b~0c'],
  ['nobody', text({ to: {} }), 'request/invalid', '/to'],
  ['two people', text({ to: { userId: 'a', email: 'a@b.co' } }), 'request/invalid', '/to'],
  ['somebody unknown in kind', text({ to: { fax: '1' } }), 'request/invalid', '/to/fax'],
  ['an empty user id', text({ to: { userId: '' } }), 'request/invalid', '/to/userId'],
  ['a user id with NUL', text({ to: { userId: 'a\0' } }), 'request/invalid', '/to/userId'],
  ['a national number', text({ to: { phone: '01012345678' } }), 'request/invalid', '/to/phone'],
  ['an odd number', text({ to: { phone: '+82 10' } }), 'request/invalid', '/to/phone'],
  ['no address', text({ to: { email: 'mina' } }), 'request/invalid', '/to/email'],
  ['two addresses', text({ to: { email: 'a@b.co,c@d.co' } }), 'request/invalid', '/to/email'],
  ['a header', text({ to: { email: 'a@b.co\r\nBcc: c@d.co' } }), 'request/invalid', '/to/email'],
  [
    'a platform nobody has',
    text({ to: { device: { ...device, platform: 'palm' } } }),
    'request/invalid',
    '/to/device/platform',
  ],
  [
    'a long token',
    text({ to: { device: { ...device, token: 'x'.repeat(4_097) } } }),
    'request/invalid',
    '/to/device/token',
  ],
  ['neither template nor content', text({ content: undefined }), 'request/invalid', '/template'],
  ['both', text({ template: { name: 'hello' } }), 'request/invalid', '/content'],
  ['content without a body', text({ content: { title: 'x' } }), 'request/invalid', '/content/body'],
  [
    'a subject of two lines',
    text({ content: { body: 'x', subject: 'a\nb' } }),
    'request/invalid',
    '/content/subject',
  ],
  [
    'an odd template name',
    text({ content: undefined, template: { name: '../x' } }),
    'request/invalid',
    '/template/name',
  ],
  [
    'version 0',
    text({ content: undefined, template: { name: 'x', version: 0 } }),
    'request/invalid',
    '/template/version',
  ],
  ['data that are a list', text({ data: [] }), 'request/invalid', '/data'],
  ['data of 64 KB', text({ data: { a: 'x'.repeat(65_536) } }), 'request/invalid', '/data'],
  ['no channels', text({ channels: [] }), 'request/invalid', '/channels'],
  ['a channel twice', text({ channels: ['sms', 'sms'] }), 'request/invalid', '/channels'],
  ['a channel nobody has', text({ channels: ['fax'] }), 'request/invalid', '/channels/0'],
  ['a channel as a text', text({ channels: 'sms' }), 'request/invalid', '/channels'],
  ['a priority nobody has', text({ priority: 'high' }), 'request/invalid', '/priority'],
  ['a number as category', text({ category: 3 }), 'request/invalid', '/category'],
  [
    'a time without an offset',
    text({ sendAt: '2026-01-01T00:00:00' }),
    'request/invalid',
    '/sendAt',
  ],
  ['a day that is not', text({ sendAt: '2026-02-30T00:00:00Z' }), 'request/invalid', '/sendAt'],
  ['29 February 2026', text({ sendAt: '2026-02-29T00:00:00Z' }), 'request/invalid', '/sendAt'],
  ['31 April', text({ expiresAt: '2026-04-31T00:00:00Z' }), 'request/invalid', '/expiresAt'],
  [
    'a time beyond all years',
    text({ sendAt: '9999-12-31T23:59:59-23:59' }),
    'request/invalid',
    '/sendAt',
  ],
  ['an hour 24', text({ sendAt: '2026-01-01T24:00:00Z' }), 'request/invalid', '/sendAt'],
  ['a time as a number', text({ sendAt: 1_767_225_600 }), 'request/invalid', '/sendAt'],
  ['33 levels', text({ data: { a: deep(31) } }), 'request/too-deep', `/data/a${'/0'.repeat(30)}`],
  [
    '200,000 levels',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    'request/too-deep',
    '/0'.repeat(32),
  ],
  [
    '__proto__',
    withData('{"a":{"__proto__":{"x":1}}}'),
    'request/forbidden-key',
    '/data/a/__proto__',
  ],
  ['__proto__ on top', '{"__proto__":{"eventId":"x"}}', 'request/forbidden-key', '/__proto__'],
  [
    '__proto__ in escapes',
    withData('{"\\u005f_proto__":1}'),
    'request/forbidden-key',
    '/data/__proto__',
  ],
  [
    'constructor.prototype',
    withData('{"constructor":{"prototype":{}}}'),
    'request/forbidden-key',
    '/data/constructor',
  ],
  ['a lone surrogate', withData('{"a":"\\ud83d"}'), 'request/lone-surrogate', '/data/a'],
  [
    'a lone surrogate in a key',
    withData('{"\\udc00":1}'),
    'request/lone-surrogate',
    '/data/\ufffd',
  ],
  [
    'a lone surrogate as event id',
    text().replace('order-1:mina', '\\ud83d'),
    'request/lone-surrogate',
    '/eventId',
  ],
  ['2^53', withData('{"a":[9007199254740992]}'), 'request/number-too-large', '/data/a/0'],
  ['2^53 + 1', withData('{"a":9007199254740993}'), 'request/number-too-large', '/data/a'],
  ['−2^53', withData('{"a":-9007199254740992}'), 'request/number-too-large', '/data/a'],
  ['1e400', withData('{"a":1e400}'), 'request/number-too-large', '/data/a'],
]

describe('a body with', () => {
  test.each(shape)('%s is refused and the field named', async (_what, body, code, pointer) => {
    await using api = await openApi()
    const before = (await api.recorded()).length
    const answer = await api.ask('POST', '/v1/notifications', body)
    expect(answer.statusCode).toBe(400)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({ status: 400, code, pointer })
    expect((await api.recorded()).length).toBe(before)
  })

  test('an unpaired byte is refused', async () => {
    await using api = await openApi()
    const body = Buffer.from(text()).fill(0xff, 20, 21)
    const answer = await api.ask('POST', '/v1/notifications', body)
    expect(answer.json()).toMatchObject({ status: 400, code: 'request/not-utf8' })
  })

  test.each([
    ['32 levels', { data: { a: deep(30) } }],
    ['a constructor by name', { data: { constructor: 'Ferrari', prototype: 'x' } }],
    ['2^53 − 1', { data: { a: 9_007_199_254_740_991, b: -9_007_199_254_740_991 } }],
    ['fractions', { data: { a: 0.1, b: 1e-300, c: 123_456.789 } }],
    ['emoji', { data: { a: '👍🏽' }, content: { body: '안녕 👋' } }],
    ['data of nearly 64 KB', { data: { a: 'x'.repeat(65_000) } }],
    ['an international address', { to: { email: '민@예.한국' } }],
    ['a device', { to: { device: { platform: 'ios', token: 'x'.repeat(4_096) } } }],
    ['every optional field', { channels: ['sms', 'push'], category: 'ads', priority: 'urgent' }],
  ])('%s is taken', async (_what, over) => {
    await using api = await openApi()
    expect((await api.ask('POST', '/v1/notifications', request(over))).statusCode).toBe(202)
  })

  test('256 KB is taken, a byte more is refused, announced or not', async () => {
    await using api = await openApi()
    const room = 262_144 - Buffer.byteLength(JSON.stringify(request({ to: { userId: '' } })))
    const full = `${' '.repeat(room - 4)}${JSON.stringify(request({ to: { userId: 'mina' } }))}`
    expect(Buffer.byteLength(full)).toBe(262_144)
    expect((await api.ask('POST', '/v1/notifications', full)).statusCode).toBe(202)
    const before = (await api.recorded()).length
    const announced = await api.ask('POST', '/v1/notifications', `${full} `)
    const streamed = await api.ask('POST', '/v1/notifications', `${full} `, {
      'transfer-encoding': 'chunked',
    })
    for (const answer of [announced, streamed]) {
      expect(answer.json()).toMatchObject({ status: 413, code: 'request/too-large' })
    }
    expect((await api.recorded()).length).toBe(before)
  })

  test.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense'])(
    'the type %s is refused',
    async (type) => {
      await using api = await openApi()
      const answer = await api.ask('POST', '/v1/notifications', text(), { 'content-type': type })
      expect(answer.json()).toMatchObject({ status: 415, code: 'request/unsupported-media-type' })
    },
  )

  test('a charset is taken as JSON all the same', async () => {
    await using api = await openApi()
    const type = 'application/json; charset=utf-8'
    const answer = await api.ask('POST', '/v1/notifications', text(), { 'content-type': type })
    expect(answer.statusCode).toBe(202)
  })

  test('compression is refused', async () => {
    await using api = await openApi()
    const answer = await api.ask('POST', '/v1/notifications', text(), {
      'content-encoding': 'gzip',
    })
    expect(answer.json()).toMatchObject({ status: 415, code: 'request/content-encoding' })
  })

  test('no end is refused when its time is up', async () => {
    await using api = await openApi()
    const { Readable } = await import('node:stream')
    const payload = new Readable({ read() {} })
    payload.push('{"eventId":')
    const headers = { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' }
    const answer = api.server.inject({ method: 'POST', url: '/v1/notifications', headers, payload })
    await api.clock.advance(15_000)
    expect((await answer).json()).toMatchObject({ status: 408, code: 'request/timeout' })
  })
})
