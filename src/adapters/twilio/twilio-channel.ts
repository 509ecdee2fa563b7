import twilio from 'twilio'
import type { DisposableChannel, Message, Outcome } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { Secret } from '#ports/secret.ts'
import type { WireAnswer } from '../wire/exchange.ts'
import { numberOf, parseObject, textOf } from '../wire/json.ts'
import { outcomeFor } from '../wire/outcome-table.ts'
import { parseRetryAfter } from '../wire/retry-after.ts'
import { openWire } from '../wire/wire.ts'
import { Carrier } from './carrier.ts'
import { twilioRows } from './outcomes.ts'

export interface TwilioOptions {
  /** `https://api.twilio.com`, or what stands in front of it. */
  readonly url: string
  readonly ca?: string
  readonly accountSid: string
  readonly authToken: Secret
  /** A number, or a messaging service (`MG…`). */
  readonly from: string
  /** Where Twilio reaches our callbacks. */
  readonly publicUrl: string
  readonly clock: Pick<Clock, 'now'>
  readonly connections?: number
}

const validitySMax = 36_000

const notAPhone: Outcome = {
  is: 'permanent',
  code: 'wrong-address',
  reason: 'Twilio sends to phone numbers only.',
}
const notWritten: Outcome = {
  is: 'permanent',
  code: 'unsendable',
  reason: 'Twilio’s library does not accept this message.',
}

/** `#rc=5&rp=all` is for Twilio itself: by default it repeats a callback once, after a connect time-out only. */
const callbackOf = (publicUrl: string, { app, ref }: Message): string =>
  `${publicUrl.replace(/\/+$/, '')}/v1/callbacks/twilio/${encodeURIComponent(app)}` +
  `?ref=${encodeURIComponent(ref)}#rc=5&rp=all`

const parametersOf = (options: TwilioOptions, message: Message, to: string) => {
  const { from, publicUrl, clock } = options
  const { expiresAt, content } = message
  const leftS = expiresAt === undefined ? undefined : Math.ceil((expiresAt - clock.now()) / 1_000)
  return {
    to,
    body: content.body,
    statusCallback: callbackOf(publicUrl, message),
    ...(from.startsWith('MG') ? { messagingServiceSid: from } : { from }),
    ...(leftS === undefined ? {} : { validityPeriod: Math.min(Math.max(1, leftS), validitySMax) }),
  }
}

const outcomeOf = ({ status, headers, body }: WireAnswer, now: number): Outcome => {
  const said = parseObject(body)
  const sid = textOf(said?.sid)
  if (status === 201) {
    const code = sid === undefined ? 'unparsable' : undefined
    return outcomeFor(twilioRows, { status, code }, { providerMessageId: sid })
  }
  const code = numberOf(said?.code)
  const afterMs = parseRetryAfter(headers['retry-after'], now)
  return outcomeFor(twilioRows, { status, code: code?.toString() }, { afterMs })
}

export const openTwilioChannel = async (options: TwilioOptions): Promise<DisposableChannel> => {
  const { url, ca, connections = 20, accountSid, authToken, clock } = options
  const wire = openWire({ url, ca, connections, http2: false })

  return {
    provider: 'twilio',
    send: async (message, attempt) => {
      if (message.to.kind !== 'phone') return notAPhone
      const carrier = new Carrier(wire, attempt)
      try {
        const httpClient = carrier as unknown as InstanceType<typeof twilio.RequestClient>
        const client = twilio(accountSid, authToken.reveal(), { httpClient, accountSid })
        await client.messages.create(parametersOf(options, message, message.to.phone))
      } catch {
        // The SDK's errors quote the message; what was answered is in the carrier.
      }
      const { result } = carrier
      if (result === undefined) return notWritten
      if (result.failure !== undefined) return outcomeFor(twilioRows, { ...result })
      return outcomeOf(result, clock.now())
    },
    [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose](),
  }
}
