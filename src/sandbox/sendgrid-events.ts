import { type KeyObject, randomBytes, sign } from 'node:crypto'
import type { ReceiptPlan } from './answers.ts'
import type { Courier } from './courier.ts'
import type { JsonObject } from './json.ts'
import { planReceipts, type Receipt } from './receipts.ts'

const usualKinds = ['processed', 'delivered']
const batchEveryMs = 10
const batchEventsMax = 500

export interface SentMail {
  to: string
  messageId: string
  customArgs: JsonObject
}

export interface SendgridEvents {
  plan(mail: SentMail, plan: ReceiptPlan | undefined): Promise<void> | undefined
  setUrl(url: string): void
}

interface SendgridEventsOptions {
  privateKey: KeyObject
  courier: Courier
  receiptDelayMs: number
}

/** What some kinds of event say besides. */
const details = (kind: string, code: string | number | undefined): JsonObject => {
  switch (kind) {
    case 'delivered':
      return { response: '250 OK' }
    case 'deferred':
      return { response: String(code ?? '421 4.7.0 Try again later'), attempt: '1' }
    case 'bounce':
      return { reason: String(code ?? '550 5.1.1 Unknown user'), status: '5.1.1', type: 'bounce' }
    case 'dropped':
      return { reason: String(code ?? 'Bounced Address'), status: '5.0.0' }
    default:
      return {}
  }
}

const eventOf = (mail: SentMail, { kind, code }: Receipt): JsonObject => ({
  ...mail.customArgs,
  email: mail.to,
  timestamp: Math.floor(Date.now() / 1_000),
  'smtp-id': `<${mail.messageId}@geopod-ismtpd-sandbox>`,
  event: kind,
  ...details(kind, code),
  // Anew on every delivery, also of the same event: SendGrid's own do not help against repetition either.
  sg_event_id: randomBytes(16).toString('base64url'),
  sg_message_id: `${mail.messageId}.recvd-sandbox-1-0`,
})

interface Waiting {
  event: JsonObject
  done: () => void
}

/** The event webhook: what falls due within a few milliseconds goes in one signed array. */
export const createSendgridEvents = (options: SendgridEventsOptions): SendgridEvents => {
  const { privateKey, courier, receiptDelayMs } = options
  let url: string | undefined
  let waiting: Waiting[] = []

  const post = async (events: JsonObject[]): Promise<void> => {
    if (url === undefined) return
    const body = `${JSON.stringify(events)}\r\n`
    const timestamp = String(Math.floor(Date.now() / 1_000))
    const signature = sign('sha256', Buffer.from(timestamp + body), privateKey).toString('base64')
    await courier.post(
      url,
      {
        'content-type': 'application/json',
        'x-twilio-email-event-webhook-signature': signature,
        'x-twilio-email-event-webhook-timestamp': timestamp,
      },
      body,
    )
  }

  const flush = async (): Promise<void> => {
    const batch = waiting
    if (batch.length === 0) return
    waiting = []
    await post(batch.map(({ event }) => event))
    for (const { done } of batch) done()
  }

  const enqueue = (event: JsonObject): Promise<void> =>
    new Promise((done) => {
      waiting.push({ event, done })
      if (waiting.length === 1) setTimeout(() => void flush(), batchEveryMs).unref()
      else if (waiting.length >= batchEventsMax) void flush()
    })

  const deliver = async (mail: SentMail, receipt: Receipt): Promise<void> => {
    if (url === undefined) return
    const events = Array.from({ length: receipt.times }, () => eventOf(mail, receipt))
    // Repetitions come in posts of their own, as those of a sender that has missed our answer.
    for (const event of events) await enqueue(event)
  }

  return {
    plan: (mail, plan) => {
      const receipts = planReceipts(plan, usualKinds, receiptDelayMs)
      if (plan?.early)
        return courier.now(async () => {
          await Promise.all(receipts.map((receipt) => deliver(mail, receipt)))
        })
      for (const receipt of receipts) courier.later(receipt.delayMs, () => deliver(mail, receipt))
      return undefined
    },
    setUrl: (to) => {
      url = to
    },
  }
}
