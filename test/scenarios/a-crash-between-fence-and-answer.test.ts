import { describe, expect, test } from 'vitest'
import type { CrashPointName } from '#ports/crash-points.ts'
import { createWorld, openService, type World } from '../support/open-service.ts'
import { addPerson, request, toPhone } from '../support/people.ts'

/** Runs until it dies at that point, with one notification on its way; then another process takes over. */
const dieAt = async (
  world: World,
  point: CrashPointName,
  asked: Parameters<typeof request>[0] = {},
) => {
  await using before = await openService({ world })
  await addPerson(before)
  await before.advance(2_000)
  before.armCrash(point)
  const id = await before.send(request({ channels: ['push'], ...asked }))
  await before.until(() => before.crashed, 5_000)
  return id
}

const recordedAmbiguous = (facts: readonly { readonly data: object }[]): number =>
  facts.filter(({ data }) => 'outcome' in data && data.outcome === 'ambiguous').length

describe('a crash', () => {
  test.each([
    ['claimed', 1, 0],
    ['rendered-not-fenced', 1, 0],
    ['relayed-checkpoint-not-moved', 1, 0],
    ['projected-checkpoint-not-written', 1, 0],
    ['outcome-not-acknowledged', 1, 0],
    // Nobody can know that nothing had left: the attempt is called ambiguous and made again.
    ['fenced-no-byte-out', 1, 1],
    ['bytes-out-no-answer', 2, 1],
    ['answered-no-outcome', 2, 1],
  ] as const)('at %s: %i sent, %i ambiguous, delivered in the end', async (point, sends, lost) => {
    const world = createWorld()
    const id = await dieAt(world, point)
    await using after = await openService({ world })
    await after.quiet(60_000)
    expect(await after.statusOf(id)).toBe('delivered')
    expect(world.apns.sent).toHaveLength(sends)
    expect(recordedAmbiguous(await after.eventsOf(id))).toBe(lost)
  })

  test('inside the timekeeper loses nothing', async () => {
    await using before = await openService()
    const { world } = before
    await addPerson(before)
    before.faults.hints = 'get-lost'
    const id = await before.send(request({ channels: ['push'] }))
    before.armCrash('inside-timekeeper')
    await before.advance(40_000)
    expect(before.crashed).toBe(true)
    await before.crash()
    await using after = await openService({ world })
    await after.quiet()
    expect(await after.statusOf(id)).toBe('delivered')
    expect(world.apns.sent).toHaveLength(1)
  })

  test('after a message left and before its answer is told as an unknown fate', async () => {
    await using before = await openService()
    const { world } = before
    await addPerson(before)
    world.apns.answerOnce(async () => {
      await before.crash()
      return 'never' as const
    })
    const id = await before.send(request({ channels: ['push'] }))
    await before.until(() => before.crashed)
    const restartedAt = world.clock.now()
    await using after = await openService({ world })
    await after.quiet()
    expect((await after.eventsOf(id)).map((event) => event.data)).toMatchObject([
      ...[{}, {}, { attempt: 1 }],
      { attempt: 1, outcome: 'ambiguous', code: 'no-answer', evidence: 'resolve' },
      ...[{ attempt: 2 }, { attempt: 2, evidence: 'provider' }],
    ])
    expect(world.apns.sent.map((each) => each.attempt)).toEqual([1, 2])
    // The deadline of ten seconds and fifteen more, so that a slow process is not overtaken.
    expect(world.apns.sent[1]!.at - restartedAt).toBeGreaterThan(24_000)
  })

  test('of an SMS is settled by its receipt instead of a second SMS', async () => {
    await using before = await openService()
    const { world } = before
    world.twilio.answerOnce(async () => {
      await before.crash()
      return 'never' as const
    })
    const id = await before.send(toPhone())
    await before.until(() => before.crashed)
    await using after = await openService({ world })
    await after.receipt(world.twilio.sent[0]!, { is: 'delivered' })
    await after.quiet()
    await after.leap(3_600_000)
    expect(await after.statusOf(id)).toBe('delivered')
    expect(world.twilio.sent).toHaveLength(1)
  })

  test('again and again still ends in one delivery, every repetition explained', async () => {
    const world = createWorld()
    await using first = await openService({ world })
    await addPerson(first)
    await first.advance(1_000)
    const id = await first.send(toPhone({ to: { userId: 'mina' }, channels: ['push'] }))
    await first.crash()
    for (let deaths = 0; deaths < 5; deaths += 1) {
      await using next = await openService({ world, asleep: true })
      world.apns.answerOnce(async () => {
        await next.crash()
        return 'never' as const
      })
      await next.start()
      await next.until(() => next.crashed, 120_000)
    }
    await using last = await openService({ world })
    await last.quiet()
    expect(await last.statusOf(id)).toBe('delivered')
    expect(world.apns.sent).toHaveLength(6)
    expect(recordedAmbiguous(await last.eventsOf(id))).toBe(5)
  })
})

describe('a crash of the accepting process', () => {
  test('before the append leaves nothing', async () => {
    await using before = await openService()
    const { world } = before
    await addPerson(before)
    const asked = request()
    before.armCrash('before-append')
    await expect(before.send(asked)).rejects.toThrow('before-append')
    await using after = await openService({ world })
    expect((await after.statuses()).size).toBe(0)
    expect((await after.accept(asked)).replayed).toBe(false)
  })

  test('after the append leaves a notification that goes its way', async () => {
    await using before = await openService()
    const { world } = before
    await addPerson(before)
    const asked = request({ channels: ['push'] })
    before.armCrash('appended-not-answered')
    await expect(before.send(asked)).rejects.toThrow('appended-not-answered')
    await using after = await openService({ world })
    const { answer, replayed } = await after.accept(asked)
    expect(replayed).toBe(true)
    await after.quiet()
    expect(await after.statusOf(answer.id)).toBe('delivered')
  })

  test('after a receipt was stored loses it no more', async () => {
    await using before = await openService()
    const { world } = before
    const id = await before.send(toPhone())
    await before.quiet(10_000, { accepted: true })
    before.armCrash('receipt-stored-not-answered')
    const told = before.receipt(world.twilio.sent[0]!, { is: 'delivered' })
    await expect(told).rejects.toThrow('receipt-stored-not-answered')
    await using after = await openService({ world })
    await after.receipt(world.twilio.sent[0]!, { is: 'delivered' })
    expect((await after.typesOf(id)).filter((type) => type === 'Delivered')).toHaveLength(1)
  })
})

describe('a crash point is not come to', () => {
  test('by a relay that had nothing to tell', async () => {
    await using service = await openService()
    service.armCrash('relayed-checkpoint-not-moved')
    await addPerson(service)
    await service.advance(2_000)
    expect(service.crashed).toBe(false)
    await service.send(request({ channels: ['push'] }))
    await service.until(() => service.crashed, 5_000)
  })

  test('by an attempt that nobody answered', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answerOnce(
      { is: 'retry', code: 'stream-refused', reason: 'Not sent.' },
      { is: 'ambiguous', code: 'deadline', reason: 'No answer.' },
    )
    service.armCrash('answered-no-outcome')
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => service.crashed)
    expect(apns.sent).toHaveLength(3)
    expect((await service.typesOf(id)).slice(2)).toEqual([
      ...['Dispatched', 'Failed', 'Dispatched', 'Failed', 'Dispatched'],
    ])
  })

  test('by an attempt that came to nothing before its first byte', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.beforeFirstByte = async () => {
      apns.beforeFirstByte = undefined
      await service.world.clock.sleep(1_500)
    }
    service.armCrash('answered-no-outcome')
    await service.send(request({ channels: ['push'] }))
    await service.until(() => service.crashed)
    expect(apns.sent.map((each) => each.attempt)).toEqual([2])
  })

  test('by a receipt that says nothing new', async () => {
    await using service = await openService()
    await service.send(toPhone())
    await service.quiet(10_000, { accepted: true })
    const sent = service.world.twilio.sent[0]!
    service.armCrash('receipt-stored-not-answered', 2)
    await service.receipt(sent, { is: 'progress', code: 'sent' })
    await service.receipt(sent, { is: 'delivered' })
    await service.receipt(sent, { is: 'delivered' })
    expect(service.crashed).toBe(false)
  })
})

describe('a stop in order', () => {
  test('waits for what is under way', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    apns.answerOnce(async () => {
      await clock.sleep(5_000)
      return { is: 'delivered' }
    })
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => apns.sent.length === 1)
    await service.stop()
    expect(await service.statusOf(id)).toBe('delivered')
  })
})
