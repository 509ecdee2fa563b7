import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ReceiptRequest } from '#ports/channel.ts'
import { startSandbox } from '#sandbox/sandbox.ts'
import { sendgridReceiptRows } from '../../../src/adapters/sendgrid/outcomes.ts'
import { createSendgridReceiptReader } from '../../../src/adapters/sendgrid/receipts.ts'
import { attempt, messageTo } from '../wire/channel-bench.ts'
import { asReceipt, startRecorder } from '../wire/recorder.ts'
import { openChannel } from './sendgrid-bench.ts'

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
const reader = createSendgridReceiptReader({ publicKey })
const now = Date.UTC(2026, 0, 31)

const signatureHeader = 'x-twilio-email-event-webhook-signature'
const timestampHeader = 'x-twilio-email-event-webhook-timestamp'

const posted = (body: string, timestamp = String(now / 1_000)): ReceiptRequest => ({
  url: '/v1/callbacks/sendgrid/default',
  headers: {
    [signatureHeader]: sign('sha256', Buffer.from(timestamp + body), keys.privateKey).toString(
      'base64',
    ),
    [timestampHeader]: timestamp,
  },
  body: Buffer.from(body),
  now,
})

type Event = Record<string, unknown>
const eventOf = (event: Event): Event => ({
  ref: 'n.d.1.s',
  email: 'ann@example.org',
  timestamp: 1_769_817_600,
  sg_message_id: 'm1.recvd-1-0',
  sg_event_id: String(Math.random()),
  ...event,
})
const read = (...events: Event[]) => reader.read(posted(JSON.stringify(events.map(eventOf))))

const bounce = (type: string | undefined, bounce_classification?: string): Event => ({
  event: 'bounce',
  type,
  bounce_classification,
  reason: '550 5.1.1 ann@example.org',
})
const dropped = (reason: string): Event => ({ event: 'dropped', reason })

const outcomes: readonly [event: Event, is: string, code: string][] = [
  [{ event: 'delivered', response: '250 OK' }, 'delivered', ''],
  [{ event: 'processed' }, 'accepted', 'processed'],
  [{ event: 'deferred', response: '421' }, 'accepted', 'deferred'],
  [{ event: 'open' }, 'accepted', 'open'],
  [{ event: 'click', url: 'https://x' }, 'accepted', 'click'],
  [{ event: 'group_resubscribe' }, 'progress', 'group_resubscribe'],
  [{ event: 'unsubscribe' }, 'opted-out', 'unsubscribe'],
  [{ event: 'group_unsubscribe' }, 'opted-out', 'group_unsubscribe'],
  [{ event: 'spamreport' }, 'complaint', 'spamreport'],
  [bounce('blocked', 'Technical'), 'retry', 'blocked'],
  [bounce('blocked', 'Technical Failure'), 'retry', 'blocked'],
  [bounce('blocked', 'Frequency or Volume Too High'), 'retry', 'blocked'],
  [bounce('blocked', 'Reputation'), 'permanent', 'blocked'],
  [bounce('bounce', 'Mailbox Unavailable'), 'permanent', 'bounce'],
  [bounce('bounce', 'Content'), 'permanent', 'bounce'],
  [bounce(undefined, 'Reputation'), 'permanent', 'bounce'],
  [bounce('bounce', 'Invalid Address'), 'endpoint-invalid', 'bounce'],
  [dropped('Bounced Address'), 'endpoint-invalid', 'dropped-bounced'],
  [dropped('Invalid'), 'endpoint-invalid', 'dropped-invalid'],
  [dropped('Unsubscribed Address'), 'opted-out', 'dropped-unsubscribed'],
  [dropped('Spam Reporting Address'), 'opted-out', 'dropped-spamreport'],
  [dropped('Recipient List over Package Quota'), 'retry', 'dropped-quota'],
  [dropped('Spam Content'), 'permanent', 'dropped'],
]

describe('an event of SendGrid', () => {
  test('has one case below for each row', () => {
    expect(outcomes).toHaveLength(sendgridReceiptRows.length)
  })

  for (const [event, is, code] of outcomes)
    test(`${Object.values(event).join(' ')} is ${is}`, () => {
      const [receipt] = read(event) ?? []
      expect(receipt).toMatchObject({
        ref: 'n.d.1.s',
        providerMessageId: 'm1',
        outcome: is === 'delivered' ? { is } : { is, code },
      })
      expect(JSON.stringify(receipt)).not.toContain('example.org')
    })

  test('is the same when it is repeated under another event id', () => {
    const keyOf = (event: Event) => read(event)?.[0]?.dedupeKey
    expect(keyOf({ event: 'open' })).toBe(keyOf({ event: 'open' }))
    const keysOf = [
      { event: 'open' },
      { event: 'delivered' },
      { event: 'open', timestamp: 1 },
      { event: 'open', email: 'b@example.org' },
      { event: 'open', sg_message_id: 'm2' },
      { event: 'click', url: 'https://x' },
      { event: 'click', url: 'https://y' },
    ].map(keyOf)
    expect(new Set(keysOf).size).toBe(keysOf.length)
  })

  test('stands in a list with others', () => {
    const many = Array.from({ length: 500 }, (_, i) => ({ event: 'processed', timestamp: i }))
    expect(read(...many)).toHaveLength(500)
  })

  test('that nobody knows is progress; what is none is left out', () => {
    const body = JSON.stringify([eventOf({ event: 'levitated' }), null, 7, [], { event: 7 }, {}])
    expect(reader.read(posted(body))?.map(({ outcome }) => outcome)).toEqual([
      { is: 'progress', code: 'levitated' },
    ])
    for (const nothing of ['', '{}', 'null', '<html>', '[[[['])
      expect(reader.read(posted(nothing))).toEqual([])
  })
})

describe('a post to the event webhook', () => {
  const body = JSON.stringify([eventOf({ event: 'delivered' })])
  const honest = posted(body)

  test('is taken ten minutes before and after its time', () => {
    for (const offS of [-600, 600])
      expect(reader.read(posted(body, String(now / 1_000 + offS)))).toHaveLength(1)
    for (const offS of [-601, 601])
      expect(reader.read(posted(body, String(now / 1_000 + offS)))).toBeUndefined()
  })

  test('that was forged is refused', () => {
    const signature = honest.headers[signatureHeader]!
    const forgeries: Record<string, unknown>[] = [
      {},
      { [signatureHeader]: signature },
      { [timestampHeader]: honest.headers[timestampHeader] },
      { ...honest.headers, [signatureHeader]: '' },
      { ...honest.headers, [signatureHeader]: 'MEUCIQ' },
      { ...honest.headers, [signatureHeader]: '%%%' },
      { ...honest.headers, [signatureHeader]: [signature] },
      { ...honest.headers, [signatureHeader]: 'A'.repeat(100_000) },
      { ...honest.headers, [timestampHeader]: `${now / 1_000 + 1}` },
      { ...honest.headers, [timestampHeader]: `${now / 1_000}x` },
      { ...honest.headers, [timestampHeader]: '' },
    ]
    for (const headers of forgeries)
      expect(
        reader.read({ ...honest, headers: headers as ReceiptRequest['headers'] }),
      ).toBeUndefined()
    expect(reader.read({ ...honest, body: Buffer.from(`${body} `) })).toBeUndefined()
    expect(reader.read({ ...honest, body: undefined as unknown as Uint8Array })).toBeUndefined()
  })

  test('is refused under another key, and a key that is none is not taken', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
    const key = other.export({ type: 'spki', format: 'der' }).toString('base64')
    expect(createSendgridReceiptReader({ publicKey: key }).read(honest)).toBeUndefined()
    expect(() => createSendgridReceiptReader({ publicKey: 'no key' })).toThrow()
  })

  test('comes from the sandbox as it would from SendGrid', async () => {
    await using sandbox = await startSandbox({ receiptDelayMs: 10 })
    await using callbacks = await startRecorder(200, '')
    sandbox.setCallbackUrl('sendgrid', `${callbacks.url}/v1/callbacks/sendgrid/default`)
    await using channel = await openChannel(sandbox)
    const message = messageTo({ kind: 'email', email: 'ann@example.org' })
    const sent = await channel.send(message, attempt())
    await sandbox.idle()
    const ofSandbox = createSendgridReceiptReader({ publicKey: sandbox.config.sendgrid.publicKey })
    const receipts = callbacks.requests.flatMap((one) => ofSandbox.read(asReceipt(one)) ?? [])
    expect(receipts.map(({ outcome }) => outcome.is)).toEqual(['accepted', 'delivered'])
    for (const { ref, providerMessageId } of receipts) {
      expect(ref).toBe(message.ref)
      expect({ is: 'accepted', providerMessageId }).toEqual(sent)
    }
  })
})
