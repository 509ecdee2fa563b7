import { describe, expect, test } from 'vitest'
import { openApi } from '../support/api.ts'

const path = '/v1/templates/order-shipped'
const texts = (body: string, more: object = {}) => ({
  defaultLocale: 'en',
  contents: { en: { sms: { body } }, ko: { push: { title: '주문', body: '{{name}}님' } } },
  ...more,
})

describe('a template', () => {
  test('gets a version per content', async () => {
    await using api = await openApi()
    const first = { name: 'order-shipped', version: 1, required: ['name'], changed: true }
    expect((await api.ask('PUT', path, texts('Hi {{name}}'))).json()).toEqual(first)
    expect((await api.ask('PUT', path, texts('Hi {{name}}'))).json()).toEqual({
      ...first,
      changed: false,
    })
    expect((await api.ask('PUT', path, texts('Hello {{name}}'))).json().version).toBe(2)
    const again = await api.ask('PUT', path, texts('Hello {{name}}', { noResend: true }))
    expect(again.json().version).toBe(3)
  })

  test('is shown whole, in any version', async () => {
    await using api = await openApi()
    await api.ask('PUT', path, texts('one {{name}}'))
    await api.ask('PUT', path, texts('two {{name}}', { noResend: true }))
    const newest = (await api.ask('GET', path)).json()
    expect(newest).toMatchObject({ name: 'order-shipped', version: 2, noResend: true })
    expect(newest).not.toHaveProperty('app')
    const first = (await api.ask('GET', `${path}?version=1`)).json()
    expect(first.contents.en.sms.body).toBe('one {{name}}')
    expect((await api.ask('GET', `${path}?version=3`)).json()).toMatchObject({
      status: 404,
      code: 'template/version-not-found',
    })
    const none = (await api.ask('GET', '/v1/templates/none')).json()
    expect(none).toMatchObject({ status: 404, code: 'template/not-found' })
    expect(none).not.toHaveProperty('pointer')
    expect((await api.ask('GET', `${path}?version=0`)).json()).toMatchObject({
      pointer: '/version',
    })
  })

  test('is listed by name, in pages', async () => {
    await using api = await openApi()
    for (const name of ['c', 'a', 'b', 'd'])
      await api.ask('PUT', `/v1/templates/${name}`, texts('x'))
    await api.project()
    const all = (await api.ask('GET', '/v1/templates')).json()
    expect(all.items.map((each: { name: string }) => each.name)).toEqual(['a', 'b', 'c', 'd'])
    expect(all).not.toHaveProperty('cursor')
    expect(all.items[0]).toEqual({
      name: 'a',
      version: 1,
      publishedAt: '2026-01-01T00:00:00.000Z',
      defaultLocale: 'en',
      locales: ['en', 'ko'],
      channels: ['sms', 'push'],
      required: ['name'],
    })
    const first = (await api.ask('GET', '/v1/templates?limit=3')).json()
    const rest = (await api.ask('GET', `/v1/templates?limit=3&cursor=${first.cursor}`)).json()
    expect(rest.items.map((each: { name: string }) => each.name)).toEqual(['d'])
    expect((await api.ask('GET', '/v1/templates?cursor=x')).json().code).toBe(
      'request/cursor-invalid',
    )
  })

  test('is shown as it would be sent, and nothing is recorded', async () => {
    await using api = await openApi()
    await api.ask('PUT', path, texts('Hi {{name}}'))
    const before = (await api.recorded()).length
    const preview = `${path}/preview`
    expect((await api.ask('POST', preview, { data: { name: 'Mina' } })).json()).toEqual({
      version: 1,
      locale: 'en',
      channels: { sms: { ok: true, content: { body: 'Hi Mina' } } },
    })
    const korean = (await api.ask('POST', preview, { locale: 'ko-KR', data: {} })).json()
    expect(korean).toMatchObject({ locale: 'ko', missing: 'name' })
    const none = await api.ask('POST', '/v1/templates/none/preview', {})
    expect(none.statusCode).toBe(404)
    expect((await api.recorded()).length).toBe(before)
  })

  test('that uses what is not allowed is refused, and the text named', async () => {
    await using api = await openApi()
    const answer = await api.ask('PUT', path, texts('{{#bad}}'))
    expect(answer.json()).toMatchObject({
      status: 422,
      code: 'template/forbidden-construct',
      pointer: '/contents/en/sms/body',
    })
    const locale = await api.ask('PUT', path, texts('x', { defaultLocale: 'fr' }))
    expect(locale.json()).toMatchObject({
      status: 422,
      code: 'template/invalid',
      pointer: '/defaultLocale',
    })
  })

  test.each([
    [{ contents: { en: { sms: { body: 'x' } } } }, '/defaultLocale'],
    [{ defaultLocale: 'en' }, '/contents'],
    [{ defaultLocale: 'en', contents: {} }, '/contents'],
    [{ defaultLocale: 'en', contents: { en: {} } }, '/contents/en'],
    [{ defaultLocale: 'en', contents: { en: { sms: {} } } }, '/contents/en/sms'],
    [{ defaultLocale: 'en', contents: { en: { fax: { body: 'x' } } } }, '/contents/en/fax'],
    [{ defaultLocale: 'en', contents: { english: { sms: { body: 'x' } } } }, '/contents/english'],
    [{ defaultLocale: 'en', contents: { en: { sms: { body: 1 } } } }, '/contents/en/sms/body'],
    [texts('x'.repeat(65_537)), '/contents/en/sms/body'],
    [texts('x', { version: 1 }), '/version'],
  ])('of a wrong shape is refused (%#)', async (body, pointer) => {
    await using api = await openApi()
    expect((await api.ask('PUT', path, body)).json()).toMatchObject({ status: 400, pointer })
  })

  test('has a plain name', async () => {
    await using api = await openApi()
    for (const name of ['a%20b', '-a', 'a'.repeat(101), '%00', '안녕']) {
      const answer = await api.ask(
        'PUT',
        encodeURI(`/v1/templates/${name}`).replaceAll('%25', '%'),
        texts('x'),
      )
      expect(answer.json()).toMatchObject({ status: 400, pointer: '/name' })
    }
  })
})
