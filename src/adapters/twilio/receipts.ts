import twilio from 'twilio'
import type { Receipt, ReceiptReader, ReceiptRequest } from '#ports/channel.ts'
import type { Secret } from '#ports/secret.ts'
import { rowFor } from '../wire/outcome-table.ts'
import { receiptOutcome } from '../wire/receipt-outcome.ts'
import { twilioReceiptRows } from './outcomes.ts'

export interface TwilioReceiptOptions {
  readonly authToken: Secret
  /** As in the channel: Twilio signs the address that it was given, not the one behind the proxy. */
  readonly publicUrl: string
}

type Fields = Record<string, string | string[]>

/** Without a prototype: the names come from outside. */
const fieldsOf = (form: URLSearchParams): Fields => {
  const fields: Fields = Object.create(null)
  for (const name of new Set(form.keys())) {
    const values = form.getAll(name)
    fields[name] = values.length === 1 ? values[0]! : values
  }
  return fields
}

const wordOf = (text: string | null): string | undefined =>
  text !== null && /^[\w-]{1,64}$/.test(text) ? text : undefined

const receiptOf = (form: URLSearchParams, ref: string | null): Receipt | undefined => {
  const sid = wordOf(form.get('MessageSid'))
  const status = wordOf(form.get('MessageStatus'))
  if (sid === undefined || status === undefined) return undefined
  const failed = status === 'failed' || status === 'undelivered'
  const error = wordOf(form.get('ErrorCode'))
  const row = rowFor(
    twilioReceiptRows,
    failed ? { status, state: 'failed', code: error } : { status },
  )
  return {
    ...(ref === null ? {} : { ref }),
    providerMessageId: sid,
    dedupeKey: `${sid}:${status}`,
    outcome:
      row === undefined
        ? { is: 'progress', code: status }
        : receiptOutcome(row, failed ? (error ?? status) : status),
  }
}

/** There is no time in Twilio's signature: a callback can be repeated by whoever has seen it. Hence `dedupeKey`. */
export const createTwilioReceiptReader = (options: TwilioReceiptOptions): ReceiptReader => {
  const base = options.publicUrl.replace(/\/+$/, '')

  const read = ({ url, headers, body }: ReceiptRequest): readonly Receipt[] | undefined => {
    const signature: unknown = headers['x-twilio-signature']
    if (typeof signature !== 'string') return undefined
    const form = new URLSearchParams(Buffer.from(body).toString('utf8'))
    const signedUrl = base + url
    const token = options.authToken.reveal()
    if (!twilio.validateRequest(token, signature, signedUrl, fieldsOf(form))) return undefined
    const receipt = receiptOf(form, new URL(signedUrl).searchParams.get('ref'))
    return receipt === undefined ? [] : [receipt]
  }

  return {
    provider: 'twilio',
    read: (request) => {
      try {
        return read(request)
      } catch {
        // What cannot even be read was not signed by Twilio.
        return undefined
      }
    },
  }
}
