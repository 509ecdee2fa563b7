import { describe, expect, test } from 'vitest'
import { isFinished } from '#domain/notification/status.ts'
import { crashPointNames } from '#ports/crash-points.ts'
import type { Random } from '#ports/random.ts'
import type { Faults } from '../support/faulty-ports.ts'
import { createWorld, openService, type Service, type World } from '../support/open-service.ts'
import { addPerson, optOut, request } from '../support/people.ts'
import type { Answer, Sent } from '../support/scripted-channel.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const people = ['u0', 'u1', 'u2', 'u3', 'u4', 'u5']

const addPeople = async (service: Service): Promise<void> => {
  for (const [index, userId] of people.entries()) {
    await addPerson(service, {
      userId,
      phone: `+82101234567${index}`,
      email: `${userId}@example.org`,
      devices: { [`${userId}-i`]: 'ios', [`${userId}-a`]: 'android' },
    })
  }
}

/** Sends that the provider itself said it had not taken. */
const turnedAway = new WeakSet<Sent>()

/** Every kind of answer, the good ones often enough that it all comes to an end. */
const answering =
  (random: Random, good: Answer) =>
  (sent: Sent): Answer => {
    const drawn = random.fraction()
    if (drawn < 0.15) turnedAway.add(sent)
    if (drawn < 0.1) return { is: 'retry', code: '503', reason: 'busy' }
    if (drawn < 0.15) return { is: 'retry', code: '429', reason: 'slow', afterMs: 3_000 }
    if (drawn < 0.25) return { is: 'ambiguous', code: 'reset', reason: 'The connection broke.' }
    if (drawn < 0.28) return 'never'
    return good
  }

const upset = (random: Random, faults: Faults): void => {
  faults.append = () => {
    const drawn = random.fraction()
    if (drawn < 0.04) return 'refuse'
    if (drawn < 0.08) return 'unknown'
    return drawn < 0.1 ? Math.floor(random.fraction() * 4_000) : undefined
  }
  faults.read = () => {
    const drawn = random.fraction()
    if (drawn < 0.03) return 'refuse'
    return drawn < 0.04 ? Math.floor(random.fraction() * 2_000) : undefined
  }
}

const calm = (faults: Faults): void => {
  faults.append = () => undefined
  faults.read = () => undefined
  faults.hints = 'arrive'
  faults.documentsRefuse = false
}

const sentOf = ({ apns, fcm, twilio, sendgrid }: World): readonly Sent[] =>
  [apns, fcm, twilio, sendgrid].flatMap(({ sent }) => sent)

/** Accepts as a producer does who asks again until he is answered; the process may die meanwhile. */
const produce = (service: Service, eventId: string, random: Random, held: Set<string>): void => {
  const to = { userId: people[Math.floor(random.fraction() * people.length)]! }
  void service.send(request({ eventId, to })).then(
    (id) => held.add(id),
    () => undefined,
  )
}

/** Some say no, and mean it from the moment they were answered. */
const refuse = (service: Service, random: Random, refusedAt: Map<string, number>): void => {
  const userId = people[Math.floor(random.fraction() * people.length)]!
  void optOut(service, userId).then(
    () => {
      const at = refusedAt.get(userId) ?? service.world.clock.monotonic()
      refusedAt.set(userId, at)
    },
    () => undefined,
  )
}

const cancelOne = (service: Service, random: Random, held: ReadonlySet<string>): void => {
  const id = [...held][Math.floor(random.fraction() * held.size)]
  if (id !== undefined) void service.cancel(id).catch(() => undefined)
}

interface Told {
  readonly held: Set<string>
  readonly refusedAt: Map<string, number>
}

const live = async (service: Service, random: Random, told: Told, round: number) => {
  for (let made = 0; made < 12; made += 1) {
    produce(service, `r${round}-${made}`, random, told.held)
    if (random.fraction() < 0.08) refuse(service, random, told.refusedAt)
    if (random.fraction() < 0.15) cancelOne(service, random, told.held)
    service.faults.hints = random.fraction() < 0.2 ? 'get-lost' : 'come-twice'
    service.faults.documentsRefuse = random.fraction() < 0.2
    await service.advance(Math.floor(random.fraction() * 1_500))
    if (random.fraction() < 0.1) service.world.clock.jump(random.fraction() * 20_000 - 5_000)
  }
}

const ambiguousOf = (facts: readonly { readonly data: object }[], deliveryId: string): number =>
  new Set(
    facts
      .map(({ data }) => data as { outcome?: string; deliveryId?: string; attempt?: number })
      .filter((data) => data.outcome === 'ambiguous' && data.deliveryId === deliveryId)
      .map((data) => data.attempt),
  ).size

const settleAll = async (service: Service, random: Random): Promise<void> => {
  const { world } = service
  for (const name of ['twilio', 'sendgrid'] as const) {
    for (const sent of world[name].sent) {
      if (random.fraction() < 0.8) await service.receipt(sent, { is: 'delivered' })
    }
  }
  await service.advance(60_000)
  await service.leap(80 * 3_600_000)
  await service.advance(120_000)
  await service.leap(80 * 3_600_000)
  await service.advance(60_000)
}

const expectRefusalsHeld = (sent: readonly Sent[], refusedAt: Told['refusedAt']): void => {
  for (const { message, elapsed } of sent) {
    const { to } = message
    const address = to.kind === 'device' ? to.token : to.kind === 'phone' ? to.phone : to.email
    const userId = people.find(
      (each, index) => address.includes(each) || address.endsWith(`7${index}`),
    )!
    expect(elapsed).toBeLessThanOrEqual((refusedAt.get(userId) ?? Infinity) + 1_000)
  }
}

const expectCancelsHeld = async (service: Service): Promise<void> => {
  for (const [stream, facts] of await service.streamsOf('notification')) {
    const types = facts.map(({ type }) => type)
    const at = types.indexOf('NotificationCancelled')
    if (at < 0) continue
    expect([stream, types.lastIndexOf('NotificationDispatched') < at]).toEqual([stream, true])
  }
}

const expectPromises = async (service: Service, { held, refusedAt }: Told): Promise<void> => {
  const statuses = await service.statuses()
  for (const id of held) expect(statuses.has(id)).toBe(true)
  for (const [id, status] of statuses) {
    expect([id, isFinished(status as 'delivered') || status === 'parked']).toEqual([id, true])
  }
  const sent = sentOf(service.world)
  expectRefusalsHeld(sent, refusedAt)
  await expectCancelsHeld(service)
  const refs = sent.map(({ message }) => message.ref)
  expect(new Set(refs).size).toBe(refs.length)
  const mayBeSeen = sent.filter((each) => !turnedAway.has(each))
  for (const [uuid, sends] of Map.groupBy(mayBeSeen, ({ message }) => message.deliveryUuid)) {
    const [first] = sends
    const facts = await service.eventsOf(first!.message.ref.split('.')[0]!)
    const explained = ambiguousOf(facts, first!.deliveryId)
    expect([uuid, sends.length - 1 <= explained]).toEqual([uuid, true])
  }
}

describe('whatever goes wrong', () => {
  test.each(Array.from({ length: 10 }, (_, seed) => seed + 1))(
    'nothing is lost, and whatever was sent again is explained (seed %i)',
    async (seed) => {
      const random = createSeededRandom(seed * 7_919)
      const world = createWorld()
      const told = { held: new Set<string>(), refusedAt: new Map<string, number>() }
      {
        await using service = await openService({ world })
        await addPeople(service)
      }
      world.apns.answer(answering(random, { is: 'delivered' }))
      world.fcm.answer(answering(random, { is: 'delivered' }))
      world.twilio.answer(answering(random, { is: 'accepted' }))
      world.sendgrid.answer(answering(random, { is: 'accepted' }))
      for (let round = 0; round < 5; round += 1) {
        await using left = await openService({ world, slots: 4, capacity: 20 })
        await using right = await openService({ world })
        upset(random, left.faults)
        upset(random, right.faults)
        const point = crashPointNames[Math.floor(random.fraction() * crashPointNames.length)]!
        left.armCrash(point, 1 + Math.floor(random.fraction() * 20))
        await live(left, random, told, round)
      }
      await using last = await openService({ world })
      calm(last.faults)
      await last.advance(90_000)
      await settleAll(last, random)
      expect(told.held.size).toBeGreaterThan(5)
      await expectPromises(last, told)
    },
  )
})
