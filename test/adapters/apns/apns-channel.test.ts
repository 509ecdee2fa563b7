import { Errors } from 'apns2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Message } from '#ports/channel.ts'
import { Secret } from '#ports/secret.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { type ApnsOptions, openApnsChannel } from '../../../src/adapters/apns/apns-channel.ts'
import { apnsRows } from '../../../src/adapters/apns/outcomes.ts'
import { createProviderTokens } from '../../../src/adapters/apns/provider-token.ts'
import { attempt, expectNoSecrets, messageTo, realClock, unique } from '../wire/channel-bench.ts'
import { startRecorder } from '../wire/recorder.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(async () => sandbox[Symbol.asyncDispose]())

const open = (changes: Partial<ApnsOptions> = {}) => {
  const { apns } = sandbox.config
  return openApnsChannel({ ...apns, key: new Secret(apns.key), clock: realClock, ...changes })
}
const deviceToken = () => unique().toString(16).padStart(64, '0')
const toDevice = (changes: Partial<Message> = {}, token = deviceToken()) =>
  messageTo({ kind: 'device', platform: 'ios', token }, changes)

describe('what APNs is sent', () => {
  const written = async (changes: Partial<Message>, token = deviceToken()) => {
    await using recorder = await startRecorder(200, '')
    await using channel = await open({ url: `${recorder.url}/gateway/` })
    const message = toDevice(changes, token)
    const outcome = await channel.send(message, attempt())
    const [request] = recorder.requests
    return { message, outcome, request: request!, payload: JSON.parse(request!.body) }
  }

  test('has the headers that make a repeated attempt replace the first', async () => {
    const { request, message, payload } = await written({ expiresAt: 1_900_000_000_001 }, 'ab')
    expect(request.path).toBe('/gateway/3/device/ab')
    expect(request.headers).toMatchObject({
      'apns-id': message.deliveryUuid,
      'apns-collapse-id': message.collapseId,
      'apns-topic': sandbox.config.apns.topic,
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-expiration': '1900000001',
    })
    expect(payload).toEqual({
      aps: { alert: { title: 'Canary-title', body: 'Canary-body' }, sound: 'default' },
      ref: message.ref,
    })
  })

  test('is quiet and patient in bulk', async () => {
    const { request, payload } = await written({ priority: 'bulk', content: { body: 'b' } })
    expect(request.headers['apns-priority']).toBe('5')
    expect(payload.aps).toEqual({ alert: 'b' })
    const expiresS = Number(request.headers['apns-expiration'])
    expect(Math.abs(expiresS - Date.now() / 1_000 - 86_400)).toBeLessThan(5)
  })

  test('cannot leave its path', async () => {
    const { request } = await written({}, '../../x?y#z')
    expect(request.path).toBe('/gateway/3/device/..%2F..%2Fx%3Fy%23z')
  })

  test('is nothing when the payload is over 4,096 bytes', async () => {
    await using channel = await open()
    let begun = 0
    const send = (chars: number) =>
      channel.send(
        toDevice({ content: { body: '파'.repeat(chars) } }),
        attempt(5_000, () => void begun++),
      )
    expect(await send(1_300)).toEqual(expect.objectContaining({ is: 'delivered' }))
    expect(await send(1_400)).toMatchObject({ is: 'permanent', code: 'payload-too-large' })
    expect(begun).toBe(1)
  })
})

describe('the provider token', () => {
  const tokensAt = (clock: { monotonic: () => number }) => {
    const { teamId, keyId, key } = sandbox.config.apns
    return createProviderTokens({ teamId, keyId, key: new Secret(key), clock })
  }
  const minute = 60_000

  test('is one for 50 minutes', () => {
    let now = 0
    const tokens = tokensAt({ monotonic: () => now })
    const first = tokens.current()
    now = 50 * minute - 1
    expect(tokens.current()).toBe(first)
    now += 1
    expect(tokens.current()).not.toBe(first)
  })

  test('that APNs finds too old is replaced once for all who sent with it', () => {
    const tokens = tokensAt({ monotonic: () => 0 })
    const first = tokens.current()
    expect(tokens.expired(first)).toBe(true)
    const second = tokens.current()
    expect(second).not.toBe(first)
    expect(tokens.expired(first)).toBe(true)
    expect(tokens.current()).toBe(second)
  })

  test('is not replaced again within 20 minutes', () => {
    let now = 0
    const tokens = tokensAt({ monotonic: () => now })
    tokens.expired(tokens.current())
    const second = tokens.current()
    now = 20 * minute - 1
    expect(tokens.expired(second)).toBe(false)
    now += 1
    expect(tokens.expired(second)).toBe(true)
  })

  test('lets the attempt after a refusal through', async () => {
    await using channel = await open()
    const token = deviceToken()
    sandbox.script(token, [{ status: 403, code: 'ExpiredProviderToken' }])
    expect(await channel.send(toDevice({}, token), attempt())).toMatchObject({ is: 'retry' })
    expect(await channel.send(toDevice({}, token), attempt())).toMatchObject({ is: 'delivered' })
  })

  test('is not made of a key that is none, and the error does not quote it', async () => {
    const error = await open({ key: new Secret('canary-key') }).catch(String)
    expect(error).toContain('not a P-256 private key')
    expect(error).not.toContain('canary-key')
  })
})

describe('the outcomes of APNs', () => {
  test('know every reason that apns2 knows', () => {
    const known = new Set(apnsRows.map(({ when }) => when.code))
    const byStatus = ['PayloadTooLarge', 'InternalServerError', 'ServiceUnavailable', 'Shutdown']
    const notFromApple: string[] = [Errors.unknownError, Errors.error, Errors.invalidSigningKey]
    const unknown = Object.values(Errors).filter(
      (reason) => ![...known, ...byStatus, ...notFromApple].includes(reason),
    )
    expect(unknown).toEqual([])
  })

  test('quote neither token, nor key, nor content', async () => {
    await using channel = await open()
    const { key } = sandbox.config.apns
    const outcomes = []
    const tokens = Array.from({ length: 4 }, deviceToken)
    for (const [i, status] of [400, 403, 410, 418].entries()) {
      const body = JSON.stringify({ reason: `Canary ${tokens[i]}`, timestamp: 'now' })
      sandbox.script(tokens[i]!, [{ status, body }])
      outcomes.push(await channel.send(toDevice({}, tokens[i]), attempt()))
    }
    sandbox.script(tokens[0]!, [
      { status: 410, body: '{"reason":"Unregistered","timestamp":1e300}' },
    ])
    outcomes.push(await channel.send(toDevice({}, tokens[0]), attempt()))
    outcomes.push(await channel.send(messageTo({ kind: 'email', email: 'a@b.c' }), attempt()))
    expectNoSecrets(outcomes, [...tokens, key, 'Canary'])
    expect(outcomes.map(({ is }) => is)).toEqual([
      ...Array(4).fill('ambiguous'),
      'endpoint-invalid',
      'permanent',
    ])
  })
})
