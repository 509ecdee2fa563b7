import { describe, expect, test } from 'vitest'
import { Unavailable } from '#ports/errors.ts'
import { fakeReceiptReader, openApi, request, type TestApi } from '../support/api.ts'

const signed = { 'x-signed': 'yes', authorization: '' }
const url = '/v1/callbacks/twilio/shop'

const accepted = async (api: TestApi) => {
  const { id } = (await api.ask('POST', '/v1/notifications', request())).json()
  await api.route(id)
  await api.dispatch(id, { is: 'accepted', providerMessageId: 'SM1' })
  const ref = api.references.of(id, 'd1', 1)
  return { id: id as string, receipt: { ref, dedupeKey: 'k', outcome: { is: 'delivered' } } }
}

describe('a callback', () => {
  test('is recorded before it is answered, and needs no key', async () => {
    await using api = await openApi()
    const { id, receipt } = await accepted(api)
    const answer = await api.ask('POST', url, [receipt], signed)
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
    expect((await api.recorded()).at(-1)).toMatchObject({
      type: 'NotificationDelivered',
      stream: `notification-${id}`,
      data: { evidence: 'receipt' },
    })
    await api.ask('POST', url, [receipt], signed)
    expect(
      (await api.recorded()).filter((each) => each.type === 'NotificationDelivered').length,
    ).toBe(1)
  })

  test('about nothing that is known is kept', async () => {
    await using api = await openApi()
    const receipt = { providerMessageId: 'SM9', dedupeKey: 'k', outcome: { is: 'delivered' } }
    expect((await api.ask('POST', url, [receipt], signed)).statusCode).toBe(204)
    expect((await api.recorded()).at(-1)!.type).toBe('CallbackQuarantined')
  })

  test('that is forged is refused, and leaves nothing', async () => {
    await using api = await openApi()
    const { receipt } = await accepted(api)
    const before = (await api.recorded()).length
    const answer = await api.ask('POST', url, [receipt], { authorization: '' })
    expect(answer.json()).toMatchObject({ status: 401, code: 'callback/not-authentic' })
    const withKey = await api.ask('POST', url, [receipt])
    expect(withKey.statusCode).toBe(401)
    expect((await api.recorded()).length).toBe(before)
  })

  test('of more than 1 MB is refused, whatever its type', async () => {
    await using api = await openApi()
    const body = Buffer.alloc(1_048_577, 32)
    for (const more of [{}, { 'content-type': 'text/plain' }, { 'transfer-encoding': 'chunked' }]) {
      const answer = await api.ask('POST', url, body, { ...signed, ...more })
      expect(answer.json()).toMatchObject({ status: 413, code: 'request/too-large' })
    }
    const just = await api.ask(
      'POST',
      url,
      Buffer.concat([Buffer.from('[]'), body.subarray(3)]),
      signed,
    )
    expect(just.statusCode).toBe(204)
  })

  test.each([
    '/v1/callbacks/twilio/bank',
    '/v1/callbacks/fax/shop',
    '/v1/callbacks/apns/shop',
    '/v1/callbacks/constructor/shop',
    '/v1/callbacks/twilio/%00',
    '/v1/callbacks/twilio/..%2fshop',
    '/v1/callbacks/twilio',
  ])('to %s finds nobody', async (path) => {
    await using api = await openApi()
    const answer = await api.ask('POST', path, [], signed)
    expect(answer.json()).toMatchObject({ status: 404, code: 'request/not-found' })
  })

  test('is read from the bytes, the address and the headers as they came', async () => {
    const seen: unknown[] = []
    const reader = {
      ...fakeReceiptReader,
      read: (given: Parameters<typeof fakeReceiptReader.read>[0]) => {
        seen.push(
          given.url,
          Buffer.from(given.body).toString('hex'),
          given.headers['x-one'],
          given.now,
        )
        return []
      },
    }
    await using api = await openApi({ receiptReaders: new Map([['twilio', reader]]) })
    const bytes = Buffer.from([0xff, 0x00, 0x0a])
    const path = `${url}?ref=a%2Eb&ref=c`
    const type = { 'content-type': 'application/json', 'x-one': '1' }
    expect((await api.ask('POST', path, bytes, type)).statusCode).toBe(204)
    expect(seen).toEqual([path, 'ff000a', '1', Date.UTC(2026, 0, 1)])
    expect((await api.ask('POST', url)).statusCode).toBe(204)
  })

  test('that cannot be recorded is to be sent again', async () => {
    await using api = await openApi({
      receipts: {
        apply: async () => false,
        take: async () => {
          throw new Unavailable('store/disk-full', 'No space in /var/lib/pabal.')
        },
      },
    })
    const answer = await api.ask('POST', url, [], signed)
    expect(answer.json()).toMatchObject({ status: 503, code: 'store/disk-full' })
    expect(answer.headers['retry-after']).toBe('1')
    expect(answer.body).not.toContain('/var/lib')
  })
})
