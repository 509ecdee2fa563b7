import { describe, expect, test } from 'vitest'
import { app, openService, type Service } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const to = { email: 'mina@example.org' }
const complaint = { is: 'complaint', code: 'spamreport', reason: 'Reported as spam.' } as const

const complainedOf = async (service: Service) => {
  const id = await service.send(request({ to }))
  await service.quiet(10_000, { accepted: true })
  const sent = service.world.sendgrid.sent[0]!
  await service.receipt(sent, complaint)
  return { id, sent }
}

describe('a complaint', () => {
  test('says that the message arrived, and suppresses the address', async () => {
    await using service = await openService()
    const { id } = await complainedOf(service)
    expect(await service.statusOf(id)).toBe('delivered')
    const next = await service.send(request({ to }))
    await service.quiet()
    expect((await service.notification(next)).passedOver[0]).toMatchObject({
      reason: 'address-suppressed',
      rule: 'address.complaint',
    })
    expect(service.world.sendgrid.sent).toHaveLength(1)
  })

  test('suppresses it for every recipient who has it, even for security', async () => {
    await using service = await openService()
    await addPerson(service, { devices: {}, email: to.email })
    await complainedOf(service)
    const id = await service.send(request({ category: 'security', channels: ['email'] }))
    await service.quiet()
    expect(await service.statusOf(id)).toBe('suppressed')
  })

  test('after the delivery was confirmed suppresses it too', async () => {
    await using service = await openService()
    await service.send(request({ to }))
    await service.quiet(10_000, { accepted: true })
    const sent = service.world.sendgrid.sent[0]!
    await service.receipt(sent, { is: 'delivered' })
    await service.receipt(sent, complaint)
    await service.receipt(sent, complaint)
    const [[, facts] = []] = await service.streamsOf('address')
    expect(facts?.map((event) => event.data)).toMatchObject([{ cause: 'complaint' }])
  })

  test('holds for another app no more than for another address', async () => {
    await using service = await openService()
    await complainedOf(service)
    const id = await service.send(request({ to }), 'other')
    await service.quiet(10_000, { accepted: true })
    expect(await service.statusOf(id)).toBe('accepted')
  })

  test('is lifted only by a release', async () => {
    await using service = await openService()
    await complainedOf(service)
    const release = { do: 'release', app, channel: 'email', reason: 'asked for it' } as const
    await service.recipients.changeAddress(app, to.email, release, 'key:test')
    const id = await service.send(request({ to }))
    await service.quiet(10_000, { accepted: true })
    expect(await service.statusOf(id)).toBe('accepted')
  })
})
