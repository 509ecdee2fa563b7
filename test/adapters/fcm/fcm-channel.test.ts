import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Platform } from '#domain/notification/events.ts'
import type { Message } from '#ports/channel.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { attempt, expectNoSecrets, messageTo } from '../wire/channel-bench.ts'
import { startRecorder } from '../wire/recorder.ts'
import { openChannel, registrationToken } from './fcm-bench.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(async () => sandbox[Symbol.asyncDispose]())

const written = async (changes: Partial<Message> = {}, platform: Platform = 'android') => {
  await using recorder = await startRecorder(200, '{"name":"projects/p/messages/1"}')
  await using channel = await openChannel(sandbox, { url: recorder.url })
  const message = messageTo({ kind: 'device', platform, token: 'tok' }, changes)
  const outcome = await channel.send(message, attempt())
  const [request] = recorder.requests
  return { message, outcome, request: request!, body: JSON.parse(request!.body).message }
}

describe('what FCM is sent', () => {
  test('has a key that makes a repeated attempt replace the first', async () => {
    const { message, outcome, request, body } = await written({ expiresAt: Date.now() + 60_000 })
    expect(request.path).toBe('/v1/projects/pabal-sandbox/messages:send')
    expect(request.headers.authorization).toMatch(/^Bearer ya29\./)
    expect(body).toEqual({
      token: 'tok',
      notification: { title: 'Canary-title', body: 'Canary-body' },
      data: { ref: message.ref },
      android: {
        collapse_key: message.collapseId,
        priority: 'HIGH',
        ttl: '60s',
        notification: { tag: message.collapseId },
      },
    })
    expect(outcome).toEqual({ is: 'delivered', providerMessageId: 'projects/p/messages/1' })
  })

  test('is stored for a day, or until it expires, and for four weeks at most', async () => {
    const ttl = async (changes: Partial<Message>) => (await written(changes)).body.android.ttl
    expect(await ttl({})).toBe('86400s')
    expect(await ttl({ expiresAt: 1 })).toBe('0s')
    expect(await ttl({ expiresAt: Date.now() + 10 ** 10 })).toBe('2419200s')
  })

  test('says the same to APNs and to browsers where they carry it', async () => {
    const bulk = { priority: 'bulk' } as const
    const ios = await written(bulk, 'ios')
    expect(ios.body.android.priority).toBe('NORMAL')
    expect(ios.body.apns.headers).toMatchObject({
      'apns-collapse-id': ios.message.collapseId,
      'apns-priority': '5',
    })
    expect((await written(bulk, 'web')).body.webpush.headers).toEqual({
      TTL: '86400',
      Urgency: 'low',
    })
  })

  test('is nothing when the text is over 4,096 bytes', async () => {
    await using channel = await openChannel(sandbox)
    const send = (chars: number) =>
      channel.send(
        messageTo(
          { kind: 'device', platform: 'android', token: registrationToken() },
          { content: { body: '파'.repeat(chars) } },
        ),
        attempt(),
      )
    expect(await send(1_300)).toMatchObject({ is: 'delivered' })
    expect(await send(1_400)).toMatchObject({ is: 'permanent', code: 'payload-too-large' })
  })
})

describe('the outcomes of FCM', () => {
  test('quote neither token, nor key, nor content, but the field that was wrong', async () => {
    await using channel = await openChannel(sandbox)
    const outcomes = []
    const tokens = Array.from({ length: 4 }, registrationToken)
    const violation = (field: string, description: string) => ({
      error: {
        status: 'INVALID_ARGUMENT',
        details: [null, { fieldViolations: [{ field, description }] }],
      },
    })
    const bodies = [
      violation('message.android.ttl', tokens[0]!),
      violation(`message.data[${tokens[1]}]`, 'x'),
      { error: { status: `No ${tokens[2]}` } },
      { error: 'x' },
    ]
    for (const [i, body] of bodies.entries()) {
      sandbox.script(tokens[i]!, [{ status: 400, body }])
      const to = { kind: 'device', platform: 'android', token: tokens[i]! } as const
      outcomes.push(await channel.send(messageTo(to), attempt()))
    }
    outcomes.push(await channel.send(messageTo({ kind: 'phone', phone: '+1' }), attempt()))
    expectNoSecrets(outcomes, [...tokens, sandbox.config.fcm.serviceAccount.client_email])
    expect(outcomes.map(({ is }) => is)).toEqual([
      'permanent',
      'permanent',
      'ambiguous',
      'ambiguous',
      'permanent',
    ])
    expect(outcomes[0]).toMatchObject({ reason: expect.stringContaining('message.android.ttl') })
  })
})
