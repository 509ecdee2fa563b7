import { describe, expect, test } from 'vitest'
import { createWorld, openService } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const oncePerAttempt = (refs: readonly string[]): boolean => new Set(refs).size === refs.length

describe('two workers', () => {
  test('who are told the same twice never send twice', async () => {
    const world = createWorld()
    await using left = await openService({ world })
    await using right = await openService({ world })
    await addPerson(left, { devices: { phone: 'ios', old: 'android' } })
    left.faults.hints = 'come-twice'
    right.faults.hints = 'come-twice'
    for (let made = 0; made < 100; made += 1) {
      await (made % 2 === 0 ? left : right).send(request({ channels: ['push'] }))
    }
    await left.quiet()
    const sent = [...world.apns.sent, ...world.fcm.sent]
    expect(sent).toHaveLength(200)
    expect(oncePerAttempt(sent.map(({ message }) => message.ref))).toBe(true)
  })

  test('never send twice while the provider fails and time passes', async () => {
    const world = createWorld()
    await using left = await openService({ world })
    await using right = await openService({ world })
    await addPerson(left)
    left.faults.hints = 'come-twice'
    world.apns.answer(({ attempt }) =>
      attempt < 4 ? { is: 'retry', code: '503', reason: 'busy', afterMs: 1 } : { is: 'delivered' },
    )
    const ids: string[] = []
    for (let made = 0; made < 50; made += 1) {
      ids.push(await left.send(request({ channels: ['push'] })))
    }
    await left.quiet(180_000)
    expect(world.apns.sent).toHaveLength(200)
    expect(oncePerAttempt(world.apns.sent.map(({ message }) => message.ref))).toBe(true)
    for (const id of ids) expect(await right.statusOf(id)).toBe('delivered')
  })

  test('agree when the log is slow to answer one of them', async () => {
    const world = createWorld()
    await using left = await openService({ world })
    await using right = await openService({ world })
    await addPerson(left)
    left.faults.append = () => (world.random.fraction() < 0.3 ? 700 : undefined)
    right.faults.append = () => (world.random.fraction() < 0.3 ? 'unknown' : undefined)
    const asked = Promise.all(
      Array.from({ length: 50 }, () => left.send(request({ channels: ['push'] }))),
    )
    await left.advance(1_000)
    expect(await asked).toHaveLength(50)
    await left.quiet(180_000)
    expect(world.apns.sent).toHaveLength(50)
  })

  test('take over from each other when one dies', async () => {
    const world = createWorld()
    await using left = await openService({ world })
    await using right = await openService({ world })
    await addPerson(left)
    left.armCrash('claimed', 20)
    for (let made = 0; made < 50; made += 1) await right.send(request({ channels: ['push'] }))
    await right.quiet()
    expect(world.apns.sent.length).toBeGreaterThanOrEqual(50)
    expect([...(await right.statuses()).values()].every((each) => each === 'delivered')).toBe(true)
  })
})
