import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DisposableChannel } from '#ports/channel.ts'
import { Secret } from '#ports/secret.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { openApnsChannel } from '../../../src/adapters/apns/apns-channel.ts'
import { attempt, messageTo, realClock, unique } from '../wire/channel-bench.ts'
import { describeGoaway } from '../wire/goaway.ts'
import { describeHostility } from '../wire/hostile.ts'

let sandbox: Sandbox
let channel: DisposableChannel
const open = () => {
  const { apns } = sandbox.config
  return openApnsChannel({ ...apns, key: new Secret(apns.key), clock: realClock })
}
beforeAll(async () => {
  sandbox = await startSandbox({ latencyMs: 20 })
  channel = await open()
})
afterAll(async () => {
  await channel[Symbol.asyncDispose]()
  await sandbox[Symbol.asyncDispose]()
})

const deviceToken = () => unique().toString(16).padStart(64, '0')
const messageOf = (token: string) => messageTo({ kind: 'device', platform: 'ios', token })

describeHostility('APNs on a bad day', {
  send: (answers, limits) => {
    const token = deviceToken()
    sandbox.script(token, answers)
    return channel.send(messageOf(token), limits)
  },
})

describeGoaway('APNs', {
  sandbox: () => sandbox,
  open,
  recipient: deviceToken,
  messageTo: messageOf,
})

describe('an APNs connection of its own', () => {
  test('opens with one stream, and carries a thousand sends each once', async () => {
    await using own = await open()
    const before = sandbox.ledger.summary()
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, () => own.send(messageOf(deviceToken()), attempt())),
    )
    expect(outcomes.filter(({ is }) => is === 'delivered')).toHaveLength(1_000)
    const after = sandbox.ledger.summary()
    expect(after.requests - before.requests).toBe(1_000)
    expect(after.duplicateSends).toBe(before.duplicateSends)
  })
})
