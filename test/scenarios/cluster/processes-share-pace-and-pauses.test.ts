import { describe, expect, test } from 'vitest'
import type { Outcome } from '#ports/channel.ts'
import { roleNames } from '#src/config.ts'
import { openCluster } from '../../support/cluster.ts'
import type { Service } from '../../support/open-service.ts'
import { addPerson, request } from '../../support/people.ts'
import { holders, singleton, worker } from '../../support/process-roles.ts'

const refused: Outcome = { is: 'config', code: 'InvalidProviderToken', reason: 'Refused.' }
const three = { w1: worker, w2: worker, s1: singleton } as const

const send = async (service: Service, count: number): Promise<void> => {
  for (let made = 0; made < count; made += 1) {
    await service.send(request({ channels: ['push'] }))
  }
}

const stateOf = (service: Service) => service.reactions.credentials.get('apns')!.circuit.state.is

/** Attempts a second, over some seconds. */
const rate = async (service: Service, seconds: number): Promise<number> => {
  const { apns } = service.world
  const before = apns.sent.length
  await service.advance(seconds * 1_000)
  return (apns.sent.length - before) / seconds
}

describe('processes that send under one credential', () => {
  test('keep its pace together', async () => {
    await using cluster = await openCluster(three, { ratePerSecond: 20, slots: 8 })
    const { w1, w2 } = cluster.processes
    await addPerson(w1)
    await w1.advance(3_000)
    await send(w1, 800)
    // What both may send at once at first, one second's worth, is soon gone.
    await w1.advance(3_000)
    const both = await rate(w1, 10)
    expect(both).toBeGreaterThan(17)
    expect(both).toBeLessThan(21)
    await w2.crash()
    await w1.advance(14_000)
    const one = await rate(w1, 10)
    expect(one).toBeGreaterThan(17)
    expect(one).toBeLessThan(21)
  })

  test('make room for one that comes', async () => {
    await using cluster = await openCluster({ w1: worker, s1: singleton }, { ratePerSecond: 20 })
    const { w1 } = cluster.processes as { w1: Service }
    await addPerson(w1)
    await send(w1, 800)
    await w1.advance(3_000)
    await cluster.start('w1', worker)
    await w1.advance(5_000)
    expect(await rate(w1, 10)).toBeLessThan(21)
    expect(w1.world.apns.sent.length).toBeGreaterThan(200)
  })

  test('pause together, and one of them finds out that it works again', async () => {
    await using cluster = await openCluster(three)
    const { w1, w2, s1 } = cluster.processes
    const { apns } = cluster.world
    await addPerson(w1)
    await w1.advance(3_000)
    apns.answer(() => refused)
    await send(w1, 1)
    await w1.advance(3_000)
    expect([stateOf(w1), stateOf(w2)]).toEqual(['open', 'open'])
    expect(s1.reactions.credentialsView.isPaused('apns')).toBe(true)
    const before = apns.sent.length
    expect(before).toBe(1)
    await send(w1, 20)
    await w1.advance(5_000)
    expect(apns.sent).toHaveLength(before)
    apns.answer(() => ({ is: 'delivered' }))
    await w1.quiet(120_000)
    await w1.advance(3_000)
    expect([stateOf(w1), stateOf(w2)]).toEqual(['closed', 'closed'])
    expect(s1.reactions.credentialsView.isPaused('apns')).toBe(false)
    expect([...(await w1.statuses()).values()].every((each) => each === 'delivered')).toBe(true)
  })

  test('probe one at a time', async () => {
    await using cluster = await openCluster({ ...three, w3: worker })
    const { w1 } = cluster.processes
    const { apns } = cluster.world
    await addPerson(w1)
    await w1.advance(3_000)
    apns.answer(() => refused)
    await send(w1, 1)
    await w1.advance(3_000)
    await send(w1, 50)
    const before = apns.sent.length
    let atOnce = 0
    let most = 0
    apns.answer(async () => {
      atOnce += 1
      most = Math.max(most, atOnce)
      await cluster.world.clock.sleep(2_000)
      atOnce -= 1
      return refused
    })
    await w1.advance(300_000)
    // Pauses double from ten seconds: about five in five minutes, whatever the number of processes.
    expect(apns.sent.length - before).toBeGreaterThan(2)
    expect(apns.sent.length - before).toBeLessThan(8)
    expect(most).toBe(1)
    apns.answer(() => ({ is: 'delivered' }))
    await w1.quiet(600_000)
  })

  test('go on as they knew it while nobody can be asked', async () => {
    await using cluster = await openCluster(three)
    const { w1, w2 } = cluster.processes
    const { apns } = cluster.world
    await addPerson(w1)
    await w1.advance(3_000)
    for (const each of [w1, w2]) each.faults.documentsRefuse = true
    apns.answerOnce(refused)
    await send(w1, 10)
    await w1.quiet(120_000)
    for (const each of [w1, w2]) each.faults.documentsRefuse = false
    await w1.advance(5_000)
    expect([stateOf(w1), stateOf(w2)]).toEqual(['closed', 'closed'])
  })

  test('are known to the timekeeper, which has none itself', async () => {
    await using cluster = await openCluster({ s1: singleton })
    const { s1 } = cluster.processes
    await addPerson(s1)
    const w1 = await cluster.start('s1', worker, { providers: ['fcm'] })
    const id = await w1.send(request({ channels: ['push'] }))
    await w1.advance(5_000)
    expect((await w1.notification(id)).deliveries[0]!.deferReason).toBe('provider-paused')
    expect(s1.reactions.credentialsView.isKnown('apns')).toBe(false)
    const w2 = await cluster.start('s1', worker)
    await w1.crash()
    await w2.quiet(120_000)
    expect(s1.reactions.credentialsView.statuses.map(({ provider }) => provider)).toContain('apns')
    expect(await w2.statusOf(id)).toBe('delivered')
    await s1.crash()
  })
})

describe('a process whose clock differs by more than five seconds', () => {
  test('takes no work, and the others do it', async () => {
    let aheadMs = 0
    await using cluster = await openCluster({ w1: worker, s1: singleton })
    const { w1 } = cluster.processes as { w1: Service }
    const astray = await cluster.start('s1', roleNames, { clockAheadMs: () => aheadMs })
    await addPerson(w1)
    aheadMs = 6_000
    await w1.advance(11_000)
    expect(astray.reactions.clockCheck.isRight).toBe(false)
    await send(w1, 20)
    await w1.quiet()
    const actors = new Set<unknown>()
    for (const [, events] of await w1.streamsOf('notification')) {
      for (const { type, metadata } of events) {
        if (type === 'NotificationDispatched') actors.add(Date.parse(metadata.at))
      }
    }
    // Nothing was recorded with the clock that is wrong.
    for (const at of actors) expect(at).toBeLessThanOrEqual(cluster.world.clock.now())
    await w1.crash()
    await send(astray, 1)
    await astray.advance(60_000)
    expect(cluster.world.apns.sent).toHaveLength(20)
    aheadMs = 4_000
    await astray.quiet(60_000)
    expect(cluster.world.apns.sent).toHaveLength(21)
  })
})

test('a process whose clock goes astray leaves the agenda to another, and keeps the rest', async () => {
  let aheadMs = 0
  await using cluster = await openCluster({ b: [] as const })
  const a = await cluster.start('b', roleNames, { clockAheadMs: () => aheadMs })
  await a.advance(1_000)
  const b = await cluster.start('b', roleNames)
  await b.advance(2_000)
  expect(holders('timekeeper', [a, b])).toEqual([true, false])
  aheadMs = -3_600_000
  await b.advance(20_000)
  expect(holders('timekeeper', [a, b])).toEqual([false, true])
  expect(holders('projector', [a, b])).toEqual([true, false])
  await a.crash()
})

describe('a rolling restart', () => {
  test('loses nothing and sends nothing twice', async () => {
    await using cluster = await openCluster({ a: roleNames, b: roleNames, c: roleNames })
    await addPerson(cluster.processes.a)
    let sent = 0
    for (const name of ['a', 'b', 'c', 'a', 'b', 'c'] as const) {
      const others = Object.values(cluster.processes).filter(
        (each) => each !== cluster.processes[name],
      )
      await send(others[0]!, 5)
      sent += 5
      const stopped = cluster.processes[name].stop()
      await send(others[1]!, 5)
      sent += 5
      await stopped
      await cluster.start(name, roleNames)
      await others[0]!.advance(2_000)
    }
    const { a } = cluster.processes
    await a.quiet()
    expect(cluster.world.apns.sent).toHaveLength(sent)
    expect(new Set((await a.statuses()).values())).toEqual(new Set(['delivered']))
    const errors = Object.values(cluster.processes).flatMap(({ lines }) =>
      lines.filter(({ level }) => level === 'error'),
    )
    expect(errors).toEqual([])
  })
})
