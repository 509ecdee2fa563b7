import { createPublicKey, verify } from 'node:crypto'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { type MagicName, magicRecipient } from '#sandbox/magic.ts'
import { type Sandbox, type SandboxOptions, startSandbox } from '#sandbox/sandbox.ts'
import { type Callback, type CallbackServer, listenForCallbacks } from './callbacks.ts'
import { type Clients, createClients } from './clients.ts'

const { validateRequest } = createRequire(import.meta.url)('twilio/lib/webhooks/webhooks.js')

type Event = Record<string, unknown>
interface Stage {
  sandbox: Sandbox
  clients: Clients
  callbacks: CallbackServer
}

const stage = async (run: (on: Stage) => Promise<void>, options: SandboxOptions = {}) => {
  await using callbacks = await listenForCallbacks()
  await using sandbox = await startSandbox({ receiptDelayMs: 40, ...options })
  await using clients = createClients(sandbox)
  sandbox.setCallbackUrl('sendgrid', callbacks.url)
  await run({ sandbox, clients, callbacks })
}

const statusIn = ({ body }: Callback) => new URLSearchParams(body).get('MessageStatus')
const eventsIn = ({ received }: CallbackServer): Event[] =>
  received.flatMap(({ body }) => JSON.parse(body) as Event[])

/** The statuses or events that follow one message, in the order of their arrival. */
const kindsAfter = async (provider: 'twilio' | 'sendgrid', name: MagicName): Promise<unknown[]> => {
  let kinds: unknown[] = []
  await stage(async ({ sandbox, clients, callbacks }) => {
    const options = { ref: 'n.d.1', callback: callbacks.url }
    await clients[provider](magicRecipient(provider, name), options)
    await sandbox.idle()
    kinds =
      provider === 'twilio'
        ? callbacks.received.map(statusIn)
        : eventsIn(callbacks).map(({ event }) => event)
  })
  return kinds
}

describe('a Twilio receipt', () => {
  test('goes to the callback address as it was given, signed as Twilio signs', () =>
    stage(async ({ sandbox, clients, callbacks }) => {
      const { authToken, accountSid } = sandbox.config.twilio
      const callback = `${callbacks.url}/twilio`
      const { json } = await clients.twilio('+821012345678', { ref: "n.d.1.s%20i'g", callback })
      await sandbox.idle()
      expect(callbacks.received.map(statusIn)).toEqual(['sent', 'delivered'])
      for (const { path, headers, body } of callbacks.received) {
        const url = `http://127.0.0.1:${callbacks.port}${path}`
        const fields = Object.fromEntries(new URLSearchParams(body))
        expect(fields).toMatchObject({
          AccountSid: accountSid,
          MessageSid: (json as { sid: string }).sid,
        })
        const signature = headers['x-twilio-signature']
        expect(validateRequest(authToken, signature, url, fields)).toBe(true)
        expect(validateRequest('another', signature, url, fields)).toBe(false)
      }
    }))

  test('neither sends nor signs the orders behind #', () =>
    stage(async ({ sandbox, clients, callbacks }) => {
      const to = '+821012345678'
      const form = { To: to, From: sandbox.config.twilio.from, Body: 'Hi' }
      const StatusCallback = `${callbacks.url}?ref=n.d.1#rc=5&rp=all`
      const body = new URLSearchParams({ ...form, StatusCallback }).toString()
      await clients.twilio(to, { body })
      await sandbox.idle()
      const [{ path, headers, body: posted } = callbacks.received[0]!] = callbacks.received
      expect(path).toBe('/callbacks?ref=n.d.1')
      const fields = Object.fromEntries(new URLSearchParams(posted))
      const url = `${callbacks.url}?ref=n.d.1`
      const signature = headers['x-twilio-signature']
      expect(validateRequest(sandbox.config.twilio.authToken, signature, url, fields)).toBe(true)
    }))

  test('can come repeated, in disorder, never, or say that it failed', async () => {
    const [repeat, disorder, never, failed] = await Promise.all([
      kindsAfter('twilio', 'receipt-repeat'),
      kindsAfter('twilio', 'receipt-disorder'),
      kindsAfter('twilio', 'receipt-never'),
      kindsAfter('twilio', 'receipt-failed'),
    ])
    expect(repeat.filter((kind) => kind === 'delivered')).toHaveLength(3)
    expect(disorder).toEqual(['delivered', 'sent'])
    expect(never).toEqual([])
    expect(failed).toEqual(['sent', 'undelivered'])
  })

  test('follows also what was taken but whose answer was lost, and nothing that was not', () =>
    stage(async ({ sandbox, clients, callbacks }) => {
      const send = (name: MagicName) =>
        clients.twilio(magicRecipient('twilio', name), {
          ref: `${name}.d.1`,
          callback: callbacks.url,
        })
      await expect(send('cut')).rejects.toThrow()
      await send('503')
      await sandbox.idle()
      expect(callbacks.received.map(({ path }) => path)).toEqual(
        Array(2).fill('/callbacks?ref=cut.d.1'),
      )
    }))
})

describe('a SendGrid receipt', () => {
  test('comes in a signed array and carries the custom arguments', () =>
    stage(async ({ sandbox, clients, callbacks }) => {
      const { headers } = await clients.sendgrid('user@example.com', { ref: 'n.d.1.sig' })
      await sandbox.idle()
      const events = eventsIn(callbacks)
      expect(events.map(({ event }) => event)).toEqual(['processed', 'delivered'])
      for (const event of events)
        expect(event).toMatchObject({
          ref: 'n.d.1.sig',
          email: 'user@example.com',
          sg_message_id: expect.stringContaining(`${headers['x-message-id']}.`),
        })
      const der = Buffer.from(sandbox.config.sendgrid.publicKey, 'base64')
      const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
      for (const { headers: sent, body } of callbacks.received) {
        const signature = sent['x-twilio-email-event-webhook-signature'] as string
        const timestamp = sent['x-twilio-email-event-webhook-timestamp'] as string
        const isSigned = (text: string) =>
          verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'base64'))
        expect(isSigned(timestamp + body)).toBe(true)
        expect(isSigned(`${timestamp}${body} `)).toBe(false)
      }
    }))

  test('is posted together with the others that are due', () =>
    stage(async ({ sandbox, clients, callbacks }) => {
      const send = (i: number) => clients.sendgrid(`user${i}@example.com`, { ref: `n${i}.d.1` })
      await Promise.all(Array.from({ length: 40 }, (_, i) => send(i)))
      await sandbox.idle()
      expect(eventsIn(callbacks)).toHaveLength(80)
      expect(callbacks.received.length).toBeLessThan(40)
    }))

  test('can be a bounce, a drop or a complaint, come in disorder or never', async () => {
    const [failed, dead, stop, complaint, disorder, never] = await Promise.all([
      kindsAfter('sendgrid', 'receipt-failed'),
      kindsAfter('sendgrid', 'dead'),
      kindsAfter('sendgrid', 'stop'),
      kindsAfter('sendgrid', 'receipt-complaint'),
      kindsAfter('sendgrid', 'receipt-disorder'),
      kindsAfter('sendgrid', 'receipt-never'),
    ])
    expect(failed).toEqual(['processed', 'bounce'])
    expect(dead).toEqual(['dropped'])
    expect(stop).toEqual(['dropped'])
    expect(complaint).toEqual(['processed', 'delivered', 'spamreport'])
    expect(disorder).toEqual(['delivered', 'processed'])
    expect(never).toEqual([])
  })

  test('that is repeated has another event id but the same message id', () =>
    stage(async ({ sandbox, clients, callbacks }) => {
      await clients.sendgrid(magicRecipient('sendgrid', 'receipt-repeat'))
      await sandbox.idle()
      const delivered = eventsIn(callbacks).filter(({ event }) => event === 'delivered')
      expect(delivered).toHaveLength(3)
      expect(new Set(delivered.map(({ sg_event_id }) => sg_event_id)).size).toBe(3)
      expect(new Set(delivered.map(({ sg_message_id }) => sg_message_id)).size).toBe(1)
    }))
})

describe('a receipt', () => {
  test.each(['twilio', 'sendgrid'] as const)('of %s can come before the answer', (provider) =>
    stage(async ({ clients, callbacks }) => {
      const to = magicRecipient(provider, 'receipt-early')
      const answer = await clients[provider](to, { ref: 'n.d.1', callback: callbacks.url })
      expect(answer.status).toBeLessThan(300)
      expect(callbacks.received.length).toBeGreaterThan(0)
    }),
  )

  test('can come late', () =>
    stage(async ({ sandbox, clients, callbacks }) => {
      const from = performance.now()
      await clients.sendgrid(magicRecipient('sendgrid', 'receipt-late'))
      await sandbox.idle()
      expect(performance.now() - from).toBeGreaterThan(390)
      expect(callbacks.received).not.toHaveLength(0)
    }))

  test('is posted again while the service is away or answers 5xx, not when it is refused', () =>
    stage(async ({ sandbox, clients, callbacks }) => {
      callbacks.answers.push(500, 503, 204, 400)
      await clients.twilio('+821012345678', { ref: 'n.d.1', callback: callbacks.url })
      await sandbox.idle()
      expect(
        callbacks.received.map(statusIn).filter((kind) => kind === 'sent').length,
      ).toBeGreaterThan(0)
      expect(callbacks.received).toHaveLength(4)
    }))

  test('finds a service that was started again meanwhile', () =>
    stage(async ({ sandbox, clients }) => {
      const first = await listenForCallbacks()
      await first[Symbol.asyncDispose]()
      await clients.twilio('+821012345678', { ref: 'n.d.1', callback: first.url })
      await new Promise((resolve) => setTimeout(resolve, 100))
      await using second = await listenForCallbacks(first.port)
      await sandbox.idle()
      expect(second.received).toHaveLength(2)
    }))

  test('goes nowhere but to this machine', async () => {
    const lines: string[] = []
    await stage(
      async ({ sandbox, clients }) => {
        const callback = 'http://169.254.169.254/latest'
        await clients.twilio('+821012345678', { ref: 'n.d.1', callback })
        await sandbox.idle()
      },
      { log: (line) => lines.push(line) },
    )
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/loopback/)
  })

  test('follows the plan of a script', () =>
    stage(async ({ sandbox, clients, callbacks }) => {
      const to = '+821012345678'
      const receipts = { kinds: ['undelivered'], code: 30003, delayMs: 5, times: 2 }
      sandbox.script(to, [{ status: 201, receipts }])
      await clients.twilio(to, { ref: 'n.d.1', callback: callbacks.url })
      await sandbox.idle()
      expect(
        callbacks.received.map(({ body }) => new URLSearchParams(body).get('ErrorCode')),
      ).toEqual(['30003', '30003'])
    }))
})
