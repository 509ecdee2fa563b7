import { describe, expect, test } from 'vitest'
import { openApi, request, type TestApi } from '../support/api.ts'

const template = { defaultLocale: 'en', contents: { en: { sms: { body: 'Hello' } } } }

/** Two apps: `shop` has everything, `bank` asks for it. */
const open = async () => {
  const api = await openApi()
  const bank = { authorization: `Bearer ${await api.keyOf('bank')}` }
  await api.ask('PUT', '/v1/recipients/mina', { phone: '+821012345678', email: 'mina@x.org' })
  await api.ask('PUT', '/v1/recipients/mina/devices/phone', { platform: 'ios', token: 'abc' })
  await api.ask('PUT', '/v1/templates/hello', template)
  const { id } = (await api.ask('POST', '/v1/notifications', request())).json()
  await api.route(id)
  await api.dispatch(id, { is: 'accepted' })
  await api.project()
  const asBank = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: unknown) =>
    api.ask(method, url, body, bank)
  return { api, id: id as string, asBank }
}
const nobody = '00000000-0000-5000-8000-000000000000'
const own = async (api: TestApi) =>
  (await api.recorded()).filter((event) => event.metadata.app === 'shop').length

describe("another app's notification", () => {
  test.each([
    ['GET', ''],
    ['GET', '?personal=1'],
    ['GET', '?at=2026-01-01T00:00:00Z'],
    ['GET', '/events'],
    ['GET', '/explanation'],
    ['POST', '/cancel'],
    ['POST', '/redrive'],
  ] as const)('is as unknown as one that is not there (%s %s)', async (method, suffix) => {
    const { api, id, asBank } = await open()
    await using _api = api
    const before = await own(api)
    const theirs = await asBank(method, `/v1/notifications/${id}${suffix}`)
    const none = await asBank(method, `/v1/notifications/${nobody}${suffix}`)
    expect(theirs.statusCode).toBe(404)
    expect(theirs.body).toBe(none.body)
    expect(theirs.headers).toEqual({ ...none.headers, date: theirs.headers.date })
    expect(await own(api)).toBe(before)
  })

  test('is in no history, under no event id, and its id can be used anew', async () => {
    const { api, asBank } = await open()
    await using _api = api
    for (const query of ['', '?status=accepted', '?channel=sms', '?userId=mina']) {
      expect((await asBank('GET', `/v1/notifications${query}`)).json().items).toEqual([])
    }
    const byEvent = await asBank('GET', '/v1/notifications?eventId=order-1:mina')
    expect(byEvent.statusCode).toBe(404)
    expect((await asBank('GET', '/v1/recipients/mina/history')).json().items).toEqual([])
    const other = await asBank('POST', '/v1/notifications', request({ priority: 'bulk' }))
    expect(other.statusCode).toBe(202)
  })
})

describe("another app's people and templates", () => {
  test('are unknown, and cannot be changed', async () => {
    const { api, asBank } = await open()
    await using _api = api
    const before = await own(api)
    expect((await asBank('GET', '/v1/recipients/mina')).statusCode).toBe(404)
    const device = { platform: 'ios', token: 'evil' }
    const put = await asBank('PUT', '/v1/recipients/mina/devices/phone', device)
    expect(put.json()).toMatchObject({ status: 404, code: 'recipient/not-found' })
    expect((await asBank('DELETE', '/v1/recipients/mina/devices/phone')).statusCode).toBe(404)
    const preferences = await asBank('PUT', '/v1/recipients/mina/preferences', { receive: false })
    expect(preferences.statusCode).toBe(404)
    expect((await asBank('GET', '/v1/templates/hello')).statusCode).toBe(404)
    expect((await asBank('POST', '/v1/templates/hello/preview', {})).statusCode).toBe(404)
    expect((await asBank('GET', '/v1/templates')).json().items).toEqual([])
    const pinned = request({ content: undefined, template: { name: 'hello' } })
    expect((await asBank('POST', '/v1/notifications', pinned)).statusCode).toBe(422)
    expect(await own(api)).toBe(before)
    expect((await api.ask('GET', '/v1/recipients/mina')).json().devices.length).toBe(1)
  })

  test('have names of their own in each app', async () => {
    const { api, asBank } = await open()
    await using _api = api
    await asBank('PUT', '/v1/recipients/mina', { phone: '+4915112345678' })
    await asBank('POST', '/v1/suppressions', { channel: 'sms', address: '+821012345678' })
    const mine = (await api.ask('GET', '/v1/recipients/mina?personal=1')).json()
    expect(mine.phone).toBe('+821012345678')
    const { id } = (await api.ask('POST', '/v1/notifications', request({ eventId: 'b' }))).json()
    await api.route(id)
    const found = (await api.ask('GET', `/v1/notifications/${id}`)).json()
    expect(found.status).toBe('routed')
  })
})

describe('a callback about a delivery', () => {
  const headers = { 'x-signed': 'yes' }
  const receipt = (ref: string) => ({ ref, dedupeKey: 'k', outcome: { is: 'delivered' } })
  const ofBank = async (api: TestApi) =>
    (await api.recorded()).filter((event) => event.metadata.app === 'bank').length

  test('with a reference that was not made here changes nothing of any app but its own', async () => {
    const { api, id } = await open()
    await using _api = api
    const before = await own(api)
    const ref = api.references.of(id, 'd1', 1)
    const forged = [
      ref.slice(0, -1) + (ref.endsWith('A') ? 'B' : 'A'),
      ref.replace('.d1.', '.d2.'),
      `${id}.d1.1`,
      id,
    ]
    for (const each of forged) {
      const path = '/v1/callbacks/twilio/bank'
      expect((await api.ask('POST', path, [receipt(each)], headers)).statusCode).toBe(204)
    }
    expect(await own(api)).toBe(before)
  })

  // A provider may know one address for all apps: its signature and ours in the reference decide.
  test('belongs to the app of its signed reference, whatever the path says', async () => {
    const { api, id } = await open()
    await using _api = api
    const before = { own: await own(api), bank: await ofBank(api) }
    const body = [receipt(api.references.of(id, 'd1', 1))]
    const answer = await api.ask('POST', '/v1/callbacks/twilio/bank', body, headers)
    expect(answer.statusCode).toBe(204)
    expect(await own(api)).toBe(before.own + 1)
    expect(await ofBank(api)).toBe(before.bank)
  })
})
