import twilio from 'twilio'
import { describe, expect, test } from 'vitest'
import type { ReceiptRequest } from '#ports/channel.ts'
import { Secret } from '#ports/secret.ts'
import { startSandbox } from '#sandbox/sandbox.ts'
import { twilioReceiptRows } from '../../../src/adapters/twilio/outcomes.ts'
import { createTwilioReceiptReader } from '../../../src/adapters/twilio/receipts.ts'
import { openTwilioChannel } from '../../../src/adapters/twilio/twilio-channel.ts'
import { attempt, messageTo, realClock } from '../wire/channel-bench.ts'
import { asReceipt, startRecorder } from '../wire/recorder.ts'

const authToken = 'a'.repeat(32)
const publicUrl = 'https://pabal.example'
const path = '/v1/callbacks/twilio/default?ref=n.d.1.s%2Bg'
const reader = createTwilioReceiptReader({ authToken: new Secret(authToken), publicUrl })

type Fields = Record<string, string>

const callback = (fields: Fields, changes: Partial<ReceiptRequest> = {}): ReceiptRequest => ({
  url: path,
  headers: {
    'x-twilio-signature': twilio.getExpectedTwilioSignature(authToken, publicUrl + path, fields),
  },
  body: Buffer.from(new URLSearchParams(fields).toString()),
  now: Date.now(),
  ...changes,
})

const fieldsOf = (status: string, code?: string): Fields => ({
  MessageSid: 'SM1',
  MessageStatus: status,
  To: '+14155550100',
  ...(code === undefined ? {} : { ErrorCode: code }),
})

const outcomes: readonly [status: string, code: string | undefined, is: string][] = [
  ['delivered', undefined, 'delivered'],
  ['read', undefined, 'delivered'],
  ['accepted', undefined, 'accepted'],
  ['scheduled', undefined, 'accepted'],
  ['queued', undefined, 'accepted'],
  ['sending', undefined, 'accepted'],
  ['sent', undefined, 'accepted'],
  ['canceled', undefined, 'permanent'],
  ['failed', '21211', 'endpoint-invalid'],
  ['failed', '21614', 'endpoint-invalid'],
  ['failed', '21635', 'endpoint-invalid'],
  ['undelivered', '30005', 'endpoint-invalid'],
  ['undelivered', '30006', 'endpoint-invalid'],
  ['failed', '21610', 'opted-out'],
  ['undelivered', '30004', 'permanent'],
  ['undelivered', '30007', 'permanent'],
  ['undelivered', '30036', 'permanent'],
  ['failed', '21602', 'permanent'],
  ['failed', '21617', 'permanent'],
  ['failed', '21611', 'retry'],
  ['failed', '30001', 'retry'],
  ['undelivered', '30003', 'retry'],
  ['undelivered', '30008', 'retry'],
  ['undelivered', '39999', 'retry'],
]

describe('a callback of Twilio', () => {
  test('has one case below for each row', () => {
    expect(outcomes).toHaveLength(twilioReceiptRows.length)
  })

  for (const [status, code, is] of outcomes)
    test(`${status} ${code ?? ''} is ${is}`, () => {
      const [receipt, ...others] = reader.read(callback(fieldsOf(status, code))) ?? []
      expect(others).toEqual([])
      expect(receipt).toMatchObject({
        ref: 'n.d.1.s+g',
        providerMessageId: 'SM1',
        dedupeKey: `SM1:${status}`,
        outcome: is === 'delivered' ? { is } : { is, code: code ?? status },
      })
      expect(JSON.stringify(receipt)).not.toContain('+1415')
    })

  test('with a status that nobody knows is progress', () => {
    const [receipt] = reader.read(callback(fieldsOf('teleported'))) ?? []
    expect(receipt?.outcome).toEqual({ is: 'progress', code: 'teleported' })
  })

  test('that is signed and says nothing is authentic', () => {
    expect(reader.read(callback({ To: '+1' }))).toEqual([])
    expect(reader.read(callback({}))).toEqual([])
  })

  test('that was forged is not', () => {
    const honest = callback(fieldsOf('delivered'))
    const signature = honest.headers['x-twilio-signature']!
    const headers: Record<string, unknown>[] = [
      {},
      { 'x-twilio-signature': '' },
      { 'x-twilio-signature': `${signature}=` },
      { 'x-twilio-signature': '%%%' },
      { 'x-twilio-signature': [signature] },
    ]
    for (const one of headers)
      expect(reader.read({ ...honest, headers: one as ReceiptRequest['headers'] })).toBeUndefined()
    const bodies = [fieldsOf('failed', '21610'), { ...fieldsOf('delivered'), X: '1' }]
    for (const fields of bodies)
      expect(
        reader.read({ ...honest, body: Buffer.from(new URLSearchParams(fields).toString()) }),
      ).toBeUndefined()
    for (const url of [
      `${path}x`,
      '/v1/callbacks/twilio/other?ref=n',
      '',
      '//',
      '\\\\',
      'http://[',
    ])
      expect(reader.read({ ...honest, url })).toBeUndefined()
    for (const body of [Buffer.from([0xff, 0xfe]), Buffer.from('{}'), Buffer.alloc(0)])
      expect(reader.read({ ...honest, body })).toBeUndefined()
  })

  test('may have fields with any name', () => {
    const fields = { ...fieldsOf('sent'), __defineGetter__: '1', constructor: '2', toString: '3' }
    expect(reader.read(callback(fields))).toHaveLength(1)
  })

  test('comes from the sandbox as it would from Twilio', async () => {
    await using sandbox = await startSandbox({ receiptDelayMs: 10 })
    await using callbacks = await startRecorder(200, '')
    const config = { ...sandbox.config.twilio, publicUrl: callbacks.url }
    const token = new Secret(config.authToken)
    await using channel = await openTwilioChannel({ ...config, authToken: token, clock: realClock })
    const message = messageTo({ kind: 'phone', phone: '+14155550100' }, { ref: 'n.d.1.s+/=' })
    const sent = await channel.send(message, attempt())
    await sandbox.idle()
    const reader = createTwilioReceiptReader({ authToken: token, publicUrl: callbacks.url })
    const receipts = callbacks.requests.flatMap((one) => reader.read(asReceipt(one)) ?? [])
    expect(receipts.map(({ outcome }) => outcome.is)).toEqual(['accepted', 'delivered'])
    for (const { ref, providerMessageId } of receipts) {
      expect(ref).toBe(message.ref)
      expect({ is: 'accepted', providerMessageId }).toEqual(sent)
    }
  })
})
