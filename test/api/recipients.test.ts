import { describe, expect, test } from 'vitest'
import { openApi, request } from '../support/api.ts'

const mina = '/v1/recipients/mina'
const profile = {
  email: 'mina@example.org',
  phone: '+821012345678',
  locale: 'ko-KR',
  timeZone: 'Asia/Seoul',
}

describe('a recipient', () => {
  test('is made known, changed and shown, addresses masked', async () => {
    await using api = await openApi()
    expect((await api.ask('GET', mina)).json()).toMatchObject({
      status: 404,
      code: 'recipient/not-found',
    })
    expect((await api.ask('PUT', mina, profile)).json()).toEqual({ revision: 0, changed: true })
    expect((await api.ask('PUT', mina, profile)).json()).toEqual({ revision: 0, changed: false })
    const device = { platform: 'ios', token: 'abcdef0123456789' }
    const put = await api.ask('PUT', `${mina}/devices/phone-1`, device)
    expect(put.json()).toEqual({ revision: 1, changed: true })
    await api.ask('PUT', `${mina}/preferences`, { channels: { email: false } })
    const masked = {
      userId: 'mina',
      revision: 2,
      email: 'm***@example.org',
      phone: '+82********78',
      locale: 'ko-KR',
      timeZone: 'Asia/Seoul',
      devices: [
        {
          deviceId: 'phone-1',
          platform: 'ios',
          token: 'abcdef…',
          registeredAt: '2026-01-01T00:00:00.000Z',
        },
      ],
      preferences: { channels: { email: false } },
    }
    expect((await api.ask('GET', mina)).json()).toEqual(masked)
    expect((await api.ask('GET', `${mina}?personal=1`)).json()).toMatchObject({
      email: profile.email,
      phone: profile.phone,
      devices: [{ token: device.token }],
    })
    const keeper = { authorization: `Bearer ${await api.keyOf('shop', 'recipients')}` }
    expect((await api.ask('GET', `${mina}?personal=1`, undefined, keeper)).statusCode).toBe(403)
    expect((await api.ask('GET', mina, undefined, keeper)).json()).toEqual(masked)
  })

  test('loses what its new profile leaves out, and a device that is removed', async () => {
    await using api = await openApi()
    await api.ask('PUT', mina, profile)
    await api.ask('PUT', `${mina}/devices/d`, { platform: 'android', token: 't' })
    expect((await api.ask('DELETE', `${mina}/devices/d`)).json().changed).toBe(true)
    expect((await api.ask('DELETE', `${mina}/devices/d`)).json().changed).toBe(false)
    await api.ask('PUT', mina, {})
    expect((await api.ask('GET', mina)).json()).toEqual({
      ...{ userId: 'mina', revision: 3, devices: [], preferences: {} },
    })
  })

  test('may be called anything but control characters', async () => {
    await using api = await openApi()
    for (const userId of ['a b', 'ä/b', '%', '👍'.repeat(255), '?', '#']) {
      const path = `/v1/recipients/${encodeURIComponent(userId)}`
      expect((await api.ask('PUT', path, {})).statusCode).toBe(200)
      expect((await api.ask('GET', path)).json().userId).toBe(userId)
    }
    const long = await api.ask('PUT', `/v1/recipients/${encodeURIComponent('👍'.repeat(256))}`, {})
    expect(long.json()).toMatchObject({ status: 400, pointer: '/userId' })
    expect((await api.ask('PUT', '/v1/recipients/a%00', {})).statusCode).toBe(400)
  })

  test.each([
    [mina, { email: 'x' }, '/email'],
    [mina, { phone: '1' }, '/phone'],
    [mina, { locale: 'korean' }, '/locale'],
    [mina, { timeZone: 'Mars/Olympus' }, '/timeZone'],
    [mina, { timeZone: '' }, '/timeZone'],
    [mina, { userId: 'jun' }, '/userId'],
    [mina, { email: null }, '/email'],
    [`${mina}/devices/d`, { platform: 'ios' }, '/token'],
    [`${mina}/devices/d`, { platform: 'ios', token: '' }, '/token'],
    [`${mina}/devices/d`, { platform: 'beos', token: 'x' }, '/platform'],
    [`${mina}/preferences`, { receive: 'no' }, '/receive'],
    [`${mina}/preferences`, { channels: { fax: true } }, '/channels/fax'],
    [`${mina}/preferences`, { categories: { 'a b': true } }, '/categories/a b'],
    [`${mina}/preferences`, { categories: { ads: 'no' } }, '/categories/ads'],
    [`${mina}/preferences`, { categories: { ads: { channels: { sms: 1 } } } }, '/categories/ads'],
  ])('PUT %s refuses %j', async (path, body, pointer) => {
    await using api = await openApi()
    await api.ask('PUT', mina, profile)
    const before = (await api.recorded()).length
    expect((await api.ask('PUT', path, body)).json()).toMatchObject({ status: 400, pointer })
    expect((await api.recorded()).length).toBe(before)
  })

  test('has at most fifty devices', async () => {
    await using api = await openApi()
    await api.ask('PUT', mina, {})
    const put = (n: number) =>
      api.ask('PUT', `${mina}/devices/d${n}`, { platform: 'ios', token: `t${n}` })
    for (let n = 0; n < 50; n += 1) expect((await put(n)).statusCode).toBe(200)
    expect((await put(50)).json()).toMatchObject({
      status: 422,
      code: 'recipient/too-many-devices',
    })
  })
})

describe('a preference', () => {
  test.each([
    [{ receive: false }, 'preferences.receive'],
    [{ channels: { sms: false } }, 'preferences.channels.sms'],
    [{ categories: { transactional: false } }, 'preferences.categories.transactional'],
    [
      { categories: { transactional: { channels: { sms: false } } } },
      'preferences.categories.transactional.channels.sms',
    ],
  ])('%j is kept to, and named as the rule', async (preferences, rule) => {
    await using api = await openApi()
    await api.ask('PUT', mina, { phone: profile.phone })
    expect((await api.ask('PUT', `${mina}/preferences`, preferences)).statusCode).toBe(200)
    const { id } = (
      await api.ask('POST', '/v1/notifications', request({ to: { userId: 'mina' } }))
    ).json()
    await api.route(id)
    const { passedOver } = (await api.ask('GET', `/v1/notifications/${id}`)).json()
    expect(passedOver[0]).toMatchObject({ reason: 'opted-out', rule })
  })
})

describe('an address that must not be used', () => {
  const address = { channel: 'sms', address: '+821012345678' }
  const status = async (api: Awaited<ReturnType<typeof openApi>>, eventId: string) => {
    const { id } = (await api.ask('POST', '/v1/notifications', request({ eventId }))).json()
    await api.route(id)
    return (await api.ask('GET', `/v1/notifications/${id}`)).json()
  }

  test('is passed over until it is released', async () => {
    await using api = await openApi()
    const suppressed = await api.ask('POST', '/v1/suppressions', address)
    expect(suppressed.json()).toEqual({ revision: 0, changed: true })
    expect((await api.ask('POST', '/v1/suppressions', address)).json().changed).toBe(false)
    expect(await status(api, 'a')).toMatchObject({
      status: 'suppressed',
      passedOver: [{ reason: 'address-suppressed', rule: 'address.requested' }],
    })
    const released = await api.ask('POST', '/v1/suppressions/release', address)
    expect(released.json()).toEqual({ revision: 1, changed: true })
    expect((await status(api, 'b')).status).toBe('routed')
    const ofAddress = (await api.recorded()).filter((each) => each.stream.startsWith('address-'))
    expect(ofAddress.length).toBe(2)
    expect(JSON.stringify(ofAddress)).not.toContain('1012345678')
  })

  test.each([
    [{ channel: 'fax', address: 'x' }, '/channel'],
    [{ channel: 'sms', address: 'mina@example.org' }, '/address'],
    [{ channel: 'email', address: '+821012345678' }, '/address'],
    [{ channel: 'sms' }, '/address'],
    [{ ...address, cause: 'complaint' }, '/cause'],
  ])('is refused as %j', async (body, pointer) => {
    await using api = await openApi()
    const answer = await api.ask('POST', '/v1/suppressions', body)
    expect(answer.json()).toMatchObject({ status: 400, pointer })
  })
})
