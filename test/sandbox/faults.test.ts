import { describe, expect, test } from 'vitest'
import type { FaultMix } from '#sandbox/chooser.ts'
import { createChooser } from '#sandbox/chooser.ts'
import { magicRecipient } from '#sandbox/magic.ts'
import { startSandbox } from '#sandbox/sandbox.ts'
import { createClients, deviceOf } from './clients.ts'

const drawn = (seed: number, faultRate: number, faultMix: FaultMix = {}) => {
  const chooser = createChooser({ seed, faultRate, faultMix })
  return Array.from({ length: 2_000 }, (_, i) => chooser.choose('apns', deviceOf(i), `n${i}.d`))
}

const isFault = ({ behaviour }: { behaviour: string }) => behaviour.startsWith('fault-')

describe('faults from a seed', () => {
  test('are the same for the same seed, and others for another', () => {
    const first = drawn(7, 0.3).map(({ behaviour }) => behaviour)
    expect(drawn(7, 0.3).map(({ behaviour }) => behaviour)).toEqual(first)
    expect(drawn(8, 0.3).map(({ behaviour }) => behaviour)).not.toEqual(first)
  })

  test('do not depend on the order in which deliveries arrive', () => {
    const forwards = createChooser({ seed: 1, faultRate: 0.5 })
    const backwards = createChooser({ seed: 1, faultRate: 0.5 })
    const deliveries = Array.from({ length: 50 }, (_, i) => `n${i}.d`)
    const one = deliveries.map((key) => forwards.choose('fcm', 'token', key).behaviour)
    const other = deliveries
      .toReversed()
      .map((key) => backwards.choose('fcm', 'token', key).behaviour)
    expect(other.reverse()).toEqual(one)
  })

  test('come at their rate, and a retry draws anew', () => {
    for (const rate of [0, 0.05, 0.5, 1]) {
      const share = drawn(3, rate).filter(isFault).length / 2_000
      expect(Math.abs(share - rate)).toBeLessThan(0.04)
    }
    const chooser = createChooser({ seed: 3, faultRate: 0.5 })
    const tries = Array.from({ length: 40 }, () => chooser.choose('apns', deviceOf(1), 'n.d'))
    expect(new Set(tries.map(isFault)).size).toBe(2)
  })

  test('are seldom silent, and never if told so', () => {
    const silent = drawn(5, 1).filter(({ behaviour }) => behaviour === 'fault-silent').length
    expect(silent).toBeGreaterThan(0)
    expect(silent).toBeLessThan(60)
    const mix = { silent: 0, cut: 0, reset: 0 }
    const loud = new Set(drawn(5, 1, mix).map(({ behaviour }) => behaviour))
    expect(loud).toEqual(new Set(['fault-429', 'fault-429-retry-after', 'fault-500', 'fault-503']))
  })

  test('can be switched on and off over the wire', async () => {
    await using sandbox = await startSandbox({
      faultMix: { silent: 0, cut: 0, reset: 0, '500': 0 },
    })
    await using clients = createClients(sandbox)
    sandbox.setFaultRate(1)
    expect((await clients.apns(deviceOf(1))).status).toBeGreaterThan(400)
    sandbox.setFaultRate(0)
    expect((await clients.apns(deviceOf(1))).status).toBe(200)
  })
})

describe('a script', () => {
  test('comes before magic and faults, and is followed by success', async () => {
    await using sandbox = await startSandbox({ faultRate: 1 })
    await using clients = createClients(sandbox)
    const to = magicRecipient('apns', 'dead')
    sandbox.script(to, [
      { status: 400, code: 'BadCollapseId' },
      { name: '503' },
      { status: 200, body: 'not empty', headers: { 'x-odd': 'yes' } },
    ])
    const answers = []
    for (let i = 0; i < 5; i++) answers.push(await clients.apns(to))
    expect(answers.map(({ status }) => status)).toEqual([400, 503, 200, 200, 200])
    expect(answers[0]?.json).toEqual({ reason: 'BadCollapseId' })
    expect(answers[2]).toMatchObject({ body: 'not empty', headers: { 'x-odd': 'yes' } })
  })

  test('is for its recipient alone', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    sandbox.script(deviceOf(1), [{ status: 503 }])
    expect((await clients.apns(deviceOf(2))).status).toBe(200)
    expect((await clients.apns(deviceOf(1))).status).toBe(503)
  })

  test('that names what a provider does not have is answered loudly', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    sandbox.script(deviceOf(1), [{ name: 'receipt-late' }])
    const answer = await clients.apns(deviceOf(1))
    expect(answer).toMatchObject({ status: 501, body: expect.stringMatching(/no answer/) })
  })
})
