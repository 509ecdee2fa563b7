import { describe, expect, test } from 'vitest'
import { type Provider, providers } from '#sandbox/answers.ts'
import { type MagicName, magicNames, magicOf, magicRecipient } from '#sandbox/magic.ts'
import { startSandbox } from '#sandbox/sandbox.ts'
import { createClients, successStatus } from './clients.ts'

/** Status and a part of the body, for each provider that knows the name. */
const answered: Partial<Record<MagicName, Partial<Record<Provider, [number, unknown]>>>> = {
  '429': {
    apns: [429, { reason: 'TooManyRequests' }],
    fcm: [429, { error: { status: 'RESOURCE_EXHAUSTED' } }],
    twilio: [429, { code: 20429 }],
    sendgrid: [429, { errors: [{ message: 'too many requests' }] }],
  },
  '500': {
    apns: [500, { reason: 'InternalServerError' }],
    fcm: [500, { error: { status: 'INTERNAL' } }],
    twilio: [500, { code: 20500 }],
    sendgrid: [500, { errors: [{}] }],
  },
  '503': {
    apns: [503, { reason: 'ServiceUnavailable' }],
    fcm: [503, { error: { status: 'UNAVAILABLE' } }],
    twilio: [503, { code: 20503 }],
    sendgrid: [503, { errors: [{}] }],
  },
  credentials: {
    apns: [403, { reason: 'InvalidProviderToken' }],
    fcm: [401, { error: { status: 'UNAUTHENTICATED' } }],
    twilio: [401, { code: 20003 }],
    sendgrid: [401, { errors: [{ field: null }] }],
  },
  dead: {
    apns: [410, { reason: 'Unregistered' }],
    fcm: [404, { error: { details: [{ errorCode: 'UNREGISTERED' }] } }],
    twilio: [400, { code: 21211 }],
    sendgrid: [202, undefined],
  },
  stop: { twilio: [400, { code: 21610 }], sendgrid: [202, undefined] },
}

describe('a magic recipient', () => {
  test('is recognised under every name and any salt, and nobody else is', () => {
    for (const provider of providers) {
      for (const name of magicNames(provider))
        for (const salt of [0, 7, 99])
          expect(magicOf(provider, magicRecipient(provider, name, salt))?.name).toBe(name)
    }
    expect(magicOf('apns', 'f'.repeat(64))).toBeUndefined()
    expect(magicOf('twilio', '+15005550006')).toBeUndefined()
    expect(magicOf('sendgrid', 'user+news@example.com')).toBeUndefined()
    expect(magicOf('sendgrid', 'dead@example.com')).toBeUndefined()
    expect(magicOf('sendgrid', 'dead@magic.example')?.name).toBe('dead')
    expect(magicOf('fcm', 'x:magic-429-retry-after-twice_1')?.name).toBe('429-retry-after-twice')
  })

  test('cannot be made for what a provider does not have', () => {
    expect(() => magicRecipient('apns', 'receipt-late')).toThrow(RangeError)
    expect(() => magicRecipient('twilio', 'dead', 100)).toThrow(RangeError)
  })

  test('has different tokens for different salts', () => {
    const tokens = [0, 1, 2].map((salt) => magicRecipient('apns', 'dead', salt))
    expect(new Set(tokens).size).toBe(3)
    expect(tokens.every((token) => /^[0-9a-f]{64}$/.test(token))).toBe(true)
  })

  test('is answered in the words of its provider', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    for (const [name, byProvider] of Object.entries(answered))
      for (const provider of providers) {
        const expected = byProvider[provider]
        if (expected === undefined) continue
        const answer = await clients[provider](magicRecipient(provider, name as MagicName))
        expect(answer.status, `${provider} ${name}`).toBe(expected[0])
        if (expected[1] !== undefined) expect(answer.json).toMatchObject(expected[1] as object)
      }
    expect(sandbox.ledger.entries().filter(({ taken, status }) => taken && status !== 500)).toEqual(
      [],
    )
  })

  test('of 429-retry-after says when to come back as its provider says it', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    for (const provider of providers) {
      const silentOnIt = await clients[provider](magicRecipient(provider, '429'))
      expect(silentOnIt.headers['retry-after']).toBeUndefined()
      const { headers } = await clients[provider](magicRecipient(provider, '429-retry-after'))
      if (provider === 'sendgrid') {
        expect(headers).toMatchObject({ 'x-ratelimit-remaining': '0' })
        expect(Number(headers['x-ratelimit-reset'])).toBeGreaterThan(Date.now() / 1_000 - 1)
        expect(headers['retry-after']).toBeUndefined()
      } else expect(headers['retry-after']).toBe('1')
    }
  })

  test('of 500 has been told or not, by a coin that the seed throws', async () => {
    const throws = async (seed: number) => {
      await using sandbox = await startSandbox({ seed })
      await using clients = createClients(sandbox)
      for (let salt = 0; salt < 30; salt++)
        await clients.apns(magicRecipient('apns', '500', salt), { ref: `n${salt}.d.1` })
      return sandbox.ledger.entries().map(({ taken }) => taken)
    }
    const first = await throws(7)
    expect(new Set(first)).toEqual(new Set([true, false]))
    expect(await throws(7)).toEqual(first)
  })

  test('of -once and -twice fails so often for each delivery, then succeeds', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    for (const provider of providers) {
      const once = magicRecipient(provider, '503-once')
      const twice = magicRecipient(provider, '429-twice')
      const statuses: number[] = []
      for (const ref of ['n1.d.1', 'n1.d.2', 'n2.d.1', 'n2.d.2'])
        statuses.push((await clients[provider](once, { ref })).status)
      for (const ref of ['n3.d.1', 'n3.d.2', 'n3.d.3'])
        statuses.push((await clients[provider](twice, { ref })).status)
      const well = successStatus[provider]
      expect(statuses, provider).toEqual([503, well, 503, well, 429, 429, well])
    }
  })
})
