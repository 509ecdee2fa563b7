import { describe, expect, test } from 'vitest'
import { app, openService, type Service } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

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
