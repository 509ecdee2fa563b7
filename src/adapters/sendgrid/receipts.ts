import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import type { Receipt, ReceiptReader, ReceiptRequest } from '#ports/channel.ts'
import { isObject, type Json, textOf } from '../wire/json.ts'
import { rowFor } from '../wire/outcome-table.ts'
import { receiptOutcome } from '../wire/receipt-outcome.ts'
import { sendgridReceiptRows } from './outcomes.ts'

export interface SendgridReceiptOptions {
  /** The event webhook's verification key, as SendGrid shows it: base64 of DER. */
  readonly publicKey: string
  readonly toleranceMs?: number
}

/** The SDK's own check takes ten times as long, throws at what is no signature, and takes any old timestamp. */
const isAuthentic = (
  key: KeyObject,
  { headers, body, now }: ReceiptRequest,
  toleranceMs: number,
): boolean => {
  const signature: unknown = headers['x-twilio-email-event-webhook-signature']
  const timestamp: unknown = headers['x-twilio-email-event-webhook-timestamp']
  if (typeof signature !== 'string' || typeof timestamp !== 'string') return false
  if (!/^\d{1,12}$/.test(timestamp)) return false
  if (Math.abs(now - Number(timestamp) * 1_000) > toleranceMs) return false
  const signed = Buffer.concat([Buffer.from(timestamp), body])
  return verify('sha256', signed, key, Buffer.from(signature, 'base64'))
}

/** `sg_event_id` is another one each time SendGrid repeats an event. The address leaves this hash no more. */
const dedupeKeyOf = ({ sg_message_id, event, email, timestamp, url }: Json): string =>
  hash('sha256', JSON.stringify([sg_message_id, event, email, timestamp, url]), 'base64url')

/** `x-message-id` of the answer is what stands before the first dot. */
const messageIdOf = (event: Json): string | undefined => textOf(event.sg_message_id)?.split('.')[0]

const receiptOf = (event: Json): Receipt | undefined => {
  const name = textOf(event.event)
  if (name === undefined || !/^\w{1,64}$/.test(name)) return undefined
  const row = rowFor(sendgridReceiptRows, {
    event: name,
    kind: textOf(event.type),
    class: textOf(event.bounce_classification),
    reason: textOf(event.reason),
  })
  const ref = textOf(event.ref)
  const providerMessageId = messageIdOf(event)
  return {
    ...(ref === undefined ? {} : { ref }),
    ...(providerMessageId === undefined ? {} : { providerMessageId }),
    dedupeKey: dedupeKeyOf(event),
    outcome: row === undefined ? { is: 'progress', code: name } : receiptOutcome(row, name),
  }
}

const parseEvents = (body: Uint8Array): unknown[] => {
  try {
    const events: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return Array.isArray(events) ? events : []
  } catch {
    return []
  }
}

/** Throws if the key is none. What was signed and cannot be understood gives no receipts, but is authentic. */
export const createSendgridReceiptReader = (options: SendgridReceiptOptions): ReceiptReader => {
  const { toleranceMs = 600_000 } = options
  const der = Buffer.from(options.publicKey, 'base64')
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })

  return {
    provider: 'sendgrid',
    read: (request) => {
      try {
        if (!isAuthentic(key, request, toleranceMs)) return undefined
      } catch {
        // What node:crypto cannot even read was not signed by SendGrid.
        return undefined
      }
      return parseEvents(request.body)
        .filter(isObject)
        .map(receiptOf)
        .filter((receipt) => receipt !== undefined)
    },
  }
}
