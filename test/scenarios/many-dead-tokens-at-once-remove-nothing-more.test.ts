import { describe, expect, test } from 'vitest'
import { app, openService, type Service } from '../support/open-service.ts'
import { addPerson, request, toPhone } from '../support/people.ts'
import type { Sent } from '../support/scripted-channel.ts'
import { workerCount } from '../support/test-mode.ts'

const dead = { is: 'endpoint-invalid', code: 'BadDeviceToken', reason: 'Not a token.' } as const

const addMany = async (service: Service, count: number): Promise<readonly string[]> => {
  const users = Array.from({ length: count }, (_, index) => `user-${index}`)
  for (const userId of users) await addPerson(service, { userId, devices: { [userId]: 'ios' } })
  return users
}

const sendToAll = async (service: Service, users: readonly string[]): Promise<void> => {
  for (const userId of users) await service.send(request({ to: { userId }, channels: ['push'] }))
  await service.quiet()
}

const withDevice = async (service: Service, users: readonly string[]): Promise<number> => {
  let count = 0
  for (const userId of users) {
    count += (await service.recipients.load(app, userId))!.devices.length
  }
  return count
}

describe('when many tokens are called dead at once', () => {
  test('only the first few are believed, and somebody is told', async () => {
    await using service = await openService()
    const users = await addMany(service, 60)
    service.world.apns.answer(() => dead)
    await sendToAll(service, users)
    expect(await withDevice(service, users)).toBe(40)
    expect(
      service.lines.filter(({ level }) => level === 'error').map((each) => each.message),
    ).toContain('So many endpoints are reported dead that none is removed any more.')
    expect([...(await service.statuses()).values()].every((each) => each === 'failed')).toBe(true)
  })

  test('the kept devices are sent to again', async () => {
    await using service = await openService()
    const { apns } = service.world
    const users = await addMany(service, 30)
    apns.answer(() => dead)
    await sendToAll(service, users)
    apns.answer(() => ({ is: 'delivered' }))
    const before = apns.sent.length
    await sendToAll(service, users)
    expect(apns.sent.length - before).toBe(10)
  })

  test('they are removed when they are few among many', async () => {
    await using service = await openService()
    const { apns } = service.world
    const users = await addMany(service, 600)
    apns.answer(({ message }) =>
      message.to.kind === 'device' && Number(message.to.token.slice(-2)) % 25 === 24
        ? dead
        : { is: 'delivered' },
    )
    await sendToAll(service, users)
    expect(await withDevice(service, users)).toBe(600 - 24)
  })

  test('a minute later the count begins anew', async () => {
    await using service = await openService()
    const { apns } = service.world
    const users = await addMany(service, 30)
    apns.answer(() => dead)
    await sendToAll(service, users)
    expect(await withDevice(service, users)).toBe(10)
    await service.advance(61_000)
    await sendToAll(service, users)
    expect(await withDevice(service, users)).toBe(0)
  })
})

/** Receipts come to all of them in turn, and each counts what it is told. */
const believed = 20 * workerCount

describe('when many receipts call addresses dead at once', () => {
  const unknown = { is: 'endpoint-invalid', code: '30005', reason: 'No such number.' } as const
  const phones = Array.from({ length: 60 }, (_, index) => `+8210${10_000_000 + index}`)

  const sendSms = async (service: Service): Promise<readonly Sent[]> => {
    const { twilio } = service.world
    const before = twilio.sent.length
    for (const phone of phones) await service.send(toPhone({ to: { phone } }))
    await service.quiet(60_000, { accepted: true })
    return twilio.sent.slice(before)
  }

  const suppressed = async (service: Service): Promise<number> =>
    (await service.streamsOf('address')).length

  test('only the first few are suppressed; every receipt is recorded, and somebody is told', async () => {
    await using service = await openService()
    for (const sent of await sendSms(service)) await service.receipt(sent, unknown)
    expect(await suppressed(service)).toBe(believed)
    expect(new Set((await service.statuses()).values())).toEqual(new Set(['failed']))
    expect(
      service.lines.filter(({ level }) => level === 'error').map((each) => each.fields),
    ).toContainEqual({ credential: 'twilio' })
    expect(await sendSms(service)).toHaveLength(60 - believed)
  })

  test('who complains meanwhile is heard', async () => {
    await using service = await openService()
    const [last, ...others] = (await sendSms(service)).toReversed()
    for (const sent of others) await service.receipt(sent, unknown)
    const complaint = { is: 'complaint', code: 'spam', reason: 'Reported as spam.' } as const
    await service.receipt(last!, complaint)
    expect(await suppressed(service)).toBe(believed + 1)
  })

  test('they are suppressed when they are few among many', async () => {
    await using service = await openService()
    const sent: Sent[] = []
    for (let round = 0; round < 8; round += 1) sent.push(...(await sendSms(service)))
    expect(sent).toHaveLength(480)
    for (const one of sent.slice(0, 460)) await service.receipt(one, { is: 'delivered' })
    for (const one of sent.slice(-24)) await service.receipt(one, unknown)
    expect(await suppressed(service)).toBe(24)
  })
})
