import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DisposableChannel } from '#ports/channel.ts'
import { Secret } from '#ports/secret.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { attempt, expectNoSecrets, messageTo } from '../wire/channel-bench.ts'
import { openChannel, registrationToken, startTokenServer } from './fcm-bench.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ acceptOnlyCredentials: false })
})
afterAll(async () => sandbox[Symbol.asyncDispose]())

const send = (channel: DisposableChannel, deadlineMs?: number, token = registrationToken()) =>
  channel.send(messageTo({ kind: 'device', platform: 'android', token }), attempt(deadlineMs))

const grant = '{"access_token":"canary-token","expires_in":3600}'

describe('the access token', () => {
  test('is asked for once by a hundred sends at a time', async () => {
    await using tokens = await startTokenServer((_, response) => response.end(grant))
    await using channel = await openChannel(sandbox, { tokenUrl: tokens.url })
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => send(channel)))
    expect(outcomes.every(({ is }) => is === 'delivered')).toBe(true)
    expect(tokens.asked).toBe(1)
  })

  test('is renewed five minutes early, while the old one still serves', async () => {
    let now = Date.now()
    await using tokens = await startTokenServer((_, response) => {
      if (tokens.asked === 1) response.end(grant)
    })
    await using channel = await openChannel(sandbox, {
      tokenUrl: tokens.url,
      clock: { now: () => now },
    })
    await send(channel)
    now += 3_600_000 - 299_000
    expect((await send(channel, 2_000)).is).toBe('delivered')
    await expect.poll(() => tokens.asked).toBe(2)
  })

  test('that FCM does not accept is asked for anew', async () => {
    await using tokens = await startTokenServer((_, response) => response.end(grant))
    await using channel = await openChannel(sandbox, { tokenUrl: tokens.url })
    const token = registrationToken()
    sandbox.script(token, [{ status: 401 }])
    expect((await send(channel, 2_000, token)).is).toBe('config')
    expect((await send(channel, 2_000, token)).is).toBe('delivered')
    expect(tokens.asked).toBe(2)
  })

  test('that never comes ends the send by its deadline, certainly not sent', async () => {
    await using tokens = await startTokenServer(() => {})
    await using channel = await openChannel(sandbox, { tokenUrl: tokens.url })
    const from = performance.now()
    const outcome = await send(channel, 300)
    expect(outcome).toMatchObject({ is: 'retry', code: 'deadline-before-sending' })
    expect(performance.now() - from).toBeLessThan(1_000)
  })

  test('that is refused for our speed or their fault is waited for', async () => {
    for (const status of [429, 500, 503]) {
      await using tokens = await startTokenServer((_, response) => {
        response.statusCode = status
        response.end('{}')
      })
      await using channel = await openChannel(sandbox, { tokenUrl: tokens.url })
      expect((await send(channel)).is).toBe('retry')
      await send(channel)
      expect(tokens.asked).toBe(1)
    }
  })

  test('is not found in nonsense', async () => {
    for (const body of ['<html>', '[]', '{"access_token":7}', grant.slice(0, 20)]) {
      await using tokens = await startTokenServer((_, response) => response.end(body))
      await using channel = await openChannel(sandbox, { tokenUrl: tokens.url })
      expect((await send(channel)).is).toBe('retry')
    }
  })

  test('and its key stay out of outcomes and errors', async () => {
    const { private_key, client_email } = sandbox.config.fcm.serviceAccount
    await using tokens = await startTokenServer((_, response) => {
      response.statusCode = 400
      response.end(JSON.stringify({ error: `for ${client_email}`, error_description: private_key }))
    })
    await using channel = await openChannel(sandbox, { tokenUrl: tokens.url })
    expectNoSecrets([await send(channel)], [client_email, private_key, 'canary-token'])
    const broken = new Secret(JSON.stringify({ client_email, private_key: 'canary-key' }))
    const error = await openChannel(sandbox, { serviceAccount: broken }).catch(String)
    expect(error).toContain('service account')
    expect(error).not.toContain('canary-key')
  })
})
