import { describe, expect, test } from 'vitest'
import type { TemplateContents } from '#domain/template/template.ts'
import type { NotificationRequest } from '#handlers/accept.ts'
import { actor, app, openService, type Service } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const publish = (service: Service, contents: TemplateContents, defaultLocale = 'en') =>
  service.templates.publish(app, 'news', { defaultLocale, contents, noResend: false }, actor)

const withTemplate = (over: Partial<NotificationRequest> = {}): NotificationRequest => {
  const { content: _content, ...bare } = request({ channels: ['push'], ...over })
  return { template: { name: 'news' }, ...bare }
}

const bodies = (service: Service) =>
  service.world.apns.sent.map(({ message }) => message.content.body)

describe('a notification', () => {
  test('keeps the template version it was accepted with', async () => {
    await using service = await openService()
    await addPerson(service)
    await publish(service, { en: { push: { body: 'First' } } })
    const sendAt = new Date(service.world.clock.now() + 5_000).toISOString()
    const id = await service.send(withTemplate({ sendAt }))
    await publish(service, { en: { push: { body: 'Second' } } })
    await service.quiet()
    expect(bodies(service)).toEqual(['First'])
    expect((await service.notification(id)).template).toEqual({ name: 'news', version: 1 })
    await service.send(withTemplate())
    await service.quiet()
    expect(bodies(service)).toEqual(['First', 'Second'])
  })

  test('may ask for an older version', async () => {
    await using service = await openService()
    await addPerson(service)
    await publish(service, { en: { push: { body: 'First' } } })
    await publish(service, { en: { push: { body: 'Second' } } })
    await service.send(withTemplate({ template: { name: 'news', version: 1 } }))
    await service.quiet()
    expect(bodies(service)).toEqual(['First'])
    await expect(
      service.send(withTemplate({ template: { name: 'news', version: 3 } })),
    ).rejects.toMatchObject({ code: 'template/version-not-found', pointer: '/template/version' })
  })

  test('sends the very same text at every attempt', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    await publish(service, { en: { push: { body: 'Hello {{name}}' } } })
    apns.answerOnce(async () => {
      await publish(service, { en: { push: { body: 'Other' } } })
      return { is: 'retry', code: '503', reason: 'busy' }
    })
    const id = await service.send(withTemplate({ data: { name: 'Mina' } }))
    await service.quiet()
    expect(bodies(service)).toEqual(['Hello Mina', 'Hello Mina'])
    const hashes = (await service.eventsOf(id)).flatMap(({ data }) => data.contentHash ?? [])
    expect(hashes).toHaveLength(2)
    expect(new Set(hashes).size).toBe(1)
  })

  test('is shown in the locale of its reader, and a fallback is recorded', async () => {
    await using service = await openService()
    await publish(service, { en: { push: { body: 'Hello' } }, ko: { push: { body: '안녕' } } })
    await addPerson(service, { locale: 'ko-KR' })
    await addPerson(service, { userId: 'noa', locale: 'he', devices: { other: 'ios' } })
    const ko = await service.send(withTemplate())
    const he = await service.send(withTemplate({ to: { userId: 'noa' } }))
    await service.quiet()
    expect(bodies(service).toSorted()).toEqual(['Hello', '안녕'])
    const routed = async (id: string) => (await service.eventsOf(id))[1]!.data
    expect(await routed(ko)).toMatchObject({ locale: 'ko', localeAsked: 'ko-KR' })
    expect(await routed(he)).toMatchObject({ locale: 'en', localeAsked: 'he' })
  })

  test('whose text cannot be rendered fails with a code, and nothing leaves', async () => {
    await using service = await openService()
    await addPerson(service)
    await publish(service, { en: { push: { body: '{{fail}}' } } })
    const id = await service.send(withTemplate())
    await service.quiet()
    expect(await service.typesOf(id)).toEqual(['Requested', 'Routed', 'Dispatched', 'Failed'])
    expect((await service.eventsOf(id)).at(-1)!.data).toMatchObject({
      outcome: 'permanent',
      code: 'template/failed',
      final: true,
    })
    expect(service.world.apns.sent).toHaveLength(0)
  })

  test('goes over the channels that its template has', async () => {
    await using service = await openService()
    await addPerson(service, { phone: '+821012345678' })
    await publish(service, { en: { sms: { body: 'Hello' } } })
    const { channels: _channels, ...everywhere } = withTemplate()
    const id = await service.send(everywhere)
    await service.quiet(10_000, { accepted: true })
    const { deliveries, passedOver } = await service.notification(id)
    expect(deliveries.map((each) => each.channel)).toEqual(['sms'])
    expect(passedOver).toMatchObject([{ reason: 'channel-not-in-template' }])
  })
})
