import { Pool } from 'undici'
import { describe, expect, test } from 'vitest'
import { type Provider, providers } from '#sandbox/answers.ts'
import { type MagicName, magicRecipient } from '#sandbox/magic.ts'
import { startSandbox } from '#sandbox/sandbox.ts'
import { apnsToken, createClients, ordinary, successStatus } from './clients.ts'

/** All four at once, because some cost the time of a deadline. */
const forEach = async (name: MagicName, timeoutMs = 1_000) => {
  const sandbox = await startSandbox()
  const clients = createClients(sandbox)
  const ask = (provider: Provider) =>
    clients[provider](magicRecipient(provider, name), { timeoutMs, ref: 'n.d.1' }).catch(
      (error: Error) => error,
    )
  await clients.fcm(ordinary.fcm)
  sandbox.ledger.clear()
  const outcomes = await Promise.all(
    providers.map(async (name) => [name, await ask(name)] as const),
  )
  const summary = sandbox.ledger.summary()
  await clients[Symbol.asyncDispose]()
  await sandbox[Symbol.asyncDispose]()
  return { outcomes, summary }
}

const all = (taken: number) => ({ requests: 4, taken, deliveries: 1 })

describe('a provider that', () => {
  test('never answers keeps the client waiting to its deadline', async () => {
    const { outcomes, summary } = await forEach('silent', 300)
    for (const [provider, outcome] of outcomes)
      expect(outcome, provider).toMatchObject({ name: 'TimeoutError' })
    expect(summary).toMatchObject({ ...all(4), byStatus: { 0: 4 } })
  })

  test.each(['cut', 'reset', 'hangup'] as const)(
    'does %s breaks the answer at once',
    async (name) => {
      const { outcomes, summary } = await forEach(name)
      for (const [provider, outcome] of outcomes) {
        expect(outcome, provider).toBeInstanceOf(Error)
        expect(outcome, provider).not.toMatchObject({ name: 'TimeoutError' })
      }
      expect(summary).toMatchObject(all(4))
    },
  )

  test('drips sends its head and then hardly anything', async () => {
    const { outcomes, summary } = await forEach('drip', 500)
    for (const [provider, outcome] of outcomes)
      expect(outcome, provider).toMatchObject({ name: 'TimeoutError' })
    expect(summary).toMatchObject(all(4))
  })

  test('talks nonsense says 2xx and HTML', async () => {
    const { outcomes } = await forEach('nonsense')
    for (const [provider, outcome] of outcomes) {
      expect(outcome).toMatchObject({ status: successStatus[provider], json: undefined })
      expect(outcome).toMatchObject({ body: expect.stringMatching(/^<html>/) })
    }
  })

  test('says GOAWAY still answers what it has taken', async () => {
    const { outcomes, summary } = await forEach('goaway')
    for (const [provider, outcome] of outcomes)
      expect(outcome, provider).toMatchObject({ status: successStatus[provider] })
    expect(summary).toMatchObject(all(4))
  })

  test('sends 200 MB stops when the client has had enough', async () => {
    await using sandbox = await startSandbox()
    const { url, ca, topic } = sandbox.config.apns
    const pool = new Pool(url, { allowH2: true, connect: { ca } })
    const response = await pool.request({
      method: 'POST',
      path: `/3/device/${magicRecipient('apns', 'huge')}`,
      headers: { authorization: `bearer ${apnsToken(sandbox)}`, 'apns-topic': topic },
      body: '{"aps":{}}',
    })
    let bytes = 0
    for await (const chunk of response.body) {
      bytes += chunk.length
      if (bytes > 2_000_000) break
    }
    expect(response.statusCode).toBe(200)
    expect(bytes).toBeGreaterThan(2_000_000)
    await pool.destroy()
  })

  test('is slow answers after its latency', async () => {
    await using sandbox = await startSandbox({ latencyMs: 60 })
    await using clients = createClients(sandbox)
    const from = performance.now()
    await clients.apns(ordinary.apns)
    expect(performance.now() - from).toBeGreaterThan(50)
  })

  test('goes away ends every connection at once', async () => {
    const sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const waiting = Promise.allSettled([
      clients.apns(magicRecipient('apns', 'silent')),
      clients.twilio(magicRecipient('twilio', 'silent')),
      clients.sendgrid(magicRecipient('sendgrid', 'drip')),
    ])
    await expect.poll(() => sandbox.ledger.summary().requests).toBe(3)
    const from = performance.now()
    await sandbox[Symbol.asyncDispose]()
    expect(performance.now() - from).toBeLessThan(500)
    for (const outcome of await waiting) expect(outcome.status).toBe('rejected')
  })
})
