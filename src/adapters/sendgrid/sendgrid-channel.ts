import type { DisposableChannel, Outcome } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { Secret } from '#ports/secret.ts'
import type { WireAnswer } from '../wire/exchange.ts'
import { isObject, parseObject, textOf } from '../wire/json.ts'
import { outcomeFor } from '../wire/outcome-table.ts'
import { parseResetAt, parseRetryAfter } from '../wire/retry-after.ts'
import { openWire } from '../wire/wire.ts'
import { createMailWriter, isSingleAddress } from './mail.ts'
import { sendgridRows } from './outcomes.ts'

export interface SendgridOptions {
  /** `https://api.sendgrid.com`, or what stands in front of it. */
  readonly url: string
  readonly ca?: string
  readonly apiKey: Secret
  readonly from: string
  readonly fromName?: string
  readonly clock: Pick<Clock, 'now'>
  readonly connections?: number
}

const notAnAddress: Outcome = {
  is: 'permanent',
  code: 'wrong-address',
  reason: 'This is not one e-mail address.',
}
const notWritten: Outcome = {
  is: 'permanent',
  code: 'unsendable',
  reason: 'SendGrid’s library does not accept this mail.',
}

/** The field that SendGrid complains of: a name like `personalizations.0.to`, never its value. */
const wrongField = (body: string): string | undefined => {
  const errors = parseObject(body)?.errors
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  return isObject(first) ? textOf(first.field) : undefined
}

const outcomeOf = ({ status, headers, body }: WireAnswer, now: number): Outcome => {
  const id = headers['x-message-id']
  if (status === 202) {
    const providerMessageId = typeof id === 'string' && body === '' ? id : undefined
    const code = providerMessageId === undefined ? 'unparsable' : undefined
    return outcomeFor(sendgridRows, { status, code }, { providerMessageId })
  }
  const afterMs =
    parseRetryAfter(headers['retry-after'], now) ?? parseResetAt(headers['x-ratelimit-reset'], now)
  return outcomeFor(sendgridRows, { status }, { afterMs, detail: wrongField(body) })
}

export const openSendgridChannel = async (options: SendgridOptions): Promise<DisposableChannel> => {
  const { url, ca, connections = 20, apiKey, clock } = options
  const from =
    options.fromName === undefined
      ? { email: options.from }
      : { email: options.from, name: options.fromName }
  const wire = openWire({ url, ca, connections, http2: false })
  const write = createMailWriter()

  return {
    provider: 'sendgrid',
    send: async ({ to, content, ref }, { signal, onFirstByte, onWritten }) => {
      if (to.kind !== 'email' || !isSingleAddress(to.email)) return notAnAddress
      let body: string
      try {
        body = await write({ from, to: to.email, content, ref })
      } catch {
        // The SDK's errors quote what it was given.
        return notWritten
      }
      const answer = await wire.request({
        method: 'POST',
        path: '/v3/mail/send',
        headers: {
          authorization: `Bearer ${apiKey.reveal()}`,
          'content-type': 'application/json',
        },
        body,
        signal,
        onFirstByte,
        onWritten,
      })
      if (answer.failure !== undefined) return outcomeFor(sendgridRows, { ...answer })
      return outcomeOf(answer, clock.now())
    },
    [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose](),
  }
}
