import type { DisposableChannel, Message, Outcome } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { Secret } from '#ports/secret.ts'
import type { WireAnswer } from '../wire/exchange.ts'
import { numberOf, parseObject, textOf } from '../wire/json.ts'
import { outcomeFor } from '../wire/outcome-table.ts'
import { parseRetryAfter } from '../wire/retry-after.ts'
import { openWire } from '../wire/wire.ts'
import { apnsRows } from './outcomes.ts'
import { buildPayload, payloadBytesMax } from './payload.ts'
import { createProviderTokens } from './provider-token.ts'

export interface ApnsOptions {
  /** `https://api.push.apple.com`, or what stands in front of it. */
  readonly url: string
  readonly ca?: string
  readonly teamId: string
  readonly keyId: string
  /** The `.p8` file's text. */
  readonly key: Secret
  readonly topic: string
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly connections?: number
}

const storedForMs = 86_400_000

const tooLarge: Outcome = {
  is: 'permanent',
  code: 'payload-too-large',
  reason: `The payload is over ${payloadBytesMax} bytes.`,
}
const notADevice: Outcome = {
  is: 'permanent',
  code: 'wrong-address',
  reason: 'APNs sends to devices only.',
}

/** Apple's timestamp says since when the token is dead: who registered it later must not be removed. */
const evidenceOf = (timestamp: number | undefined) =>
  timestamp !== undefined && Math.abs(timestamp) <= 8.64e15
    ? { timestamp: new Date(timestamp).toISOString() }
    : undefined

const delivered = ({ headers }: WireAnswer): Outcome => {
  const id = headers['apns-id']
  return typeof id === 'string' ? { is: 'delivered', providerMessageId: id } : { is: 'delivered' }
}

/**
 * Connections are opened with the first sends and kept. undici opens one stream until the server's SETTINGS are
 * there and never more than they allow: Apple says 1 until it has seen a valid token, then 1,000.
 */
export const openApnsChannel = async (options: ApnsOptions): Promise<DisposableChannel> => {
  const { clock, topic } = options
  const tokens = createProviderTokens(options)
  const { url, ca, connections = 2 } = options
  const wire = openWire({ url, ca, connections, http2: true })

  const headersOf = (message: Message, authorization: string): Record<string, string> => {
    const expiresAt = message.expiresAt ?? clock.now() + storedForMs
    return {
      authorization,
      'apns-topic': topic,
      'apns-push-type': 'alert',
      'apns-id': message.deliveryUuid,
      'apns-collapse-id': message.collapseId,
      'apns-priority': message.priority === 'bulk' ? '5' : '10',
      'apns-expiration': String(Math.max(0, Math.ceil(expiresAt / 1_000))),
    }
  }

  const refusal = ({ status, headers, body }: WireAnswer, authorization: string): Outcome => {
    const said = parseObject(body)
    let code = textOf(said?.reason)
    if (status === 200) code = 'unparsable'
    if (code === 'ExpiredProviderToken' && !tokens.expired(authorization)) code = 'expired-when-new'
    return outcomeFor(
      apnsRows,
      { status, code },
      {
        afterMs: parseRetryAfter(headers['retry-after'], clock.now()),
        evidence: evidenceOf(numberOf(said?.timestamp)),
      },
    )
  }

  return {
    provider: 'apns',
    send: async (message, { signal, onFirstByte, onWritten }) => {
      if (message.to.kind !== 'device') return notADevice
      const body = buildPayload(message)
      if (Buffer.byteLength(body) > payloadBytesMax) return tooLarge
      const authorization = tokens.current()
      const answer = await wire.request({
        method: 'POST',
        path: `/3/device/${encodeURIComponent(message.to.token)}`,
        headers: headersOf(message, authorization),
        body,
        signal,
        onFirstByte,
        onWritten,
      })
      if (answer.failure !== undefined) return outcomeFor(apnsRows, { ...answer })
      if (answer.status === 200 && answer.body === '') return delivered(answer)
      return refusal(answer, authorization)
    },
    [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose](),
  }
}
