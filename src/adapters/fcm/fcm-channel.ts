import type { DisposableChannel, Outcome } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { Secret } from '#ports/secret.ts'
import type { WireAnswer } from '../wire/exchange.ts'
import { isObject, type Json, parseObject, textOf } from '../wire/json.ts'
import { outcomeFor } from '../wire/outcome-table.ts'
import { parseRetryAfter } from '../wire/retry-after.ts'
import { openWire } from '../wire/wire.ts'
import { createAccessTokens } from './access-token.ts'
import { buildFcmBody } from './message.ts'
import { fcmRows } from './outcomes.ts'

export interface FcmOptions {
  /** `https://fcm.googleapis.com`, or what stands in front of it. */
  readonly url: string
  /** `https://oauth2.googleapis.com/token`, or what stands in front of it. */
  readonly tokenUrl: string
  readonly ca?: string
  readonly projectId: string
  /** The service account's JSON file. */
  readonly serviceAccount: Secret
  readonly clock: Pick<Clock, 'now'>
  readonly connections?: number
}

const tooLarge: Outcome = {
  is: 'permanent',
  code: 'payload-too-large',
  reason: 'Title and text are over 4,096 bytes.',
}
const notADevice: Outcome = {
  is: 'permanent',
  code: 'wrong-address',
  reason: 'FCM sends to devices only.',
}

const detailsOf = (error: Json): Json[] =>
  Array.isArray(error.details) ? error.details.filter(isObject) : []

/** The first field that Google found wrong: a name like `message.token`, never its value. */
const wrongField = (details: readonly Json[]): string | undefined => {
  for (const { fieldViolations } of details) {
    if (!Array.isArray(fieldViolations)) continue
    const [first] = fieldViolations.filter(isObject)
    if (first !== undefined) return textOf(first.field)
  }
  return undefined
}

const refusalOf = (body: string) => {
  const error = parseObject(body)?.error
  if (!isObject(error)) return { code: undefined, field: undefined }
  const details = detailsOf(error)
  const own = details.map(({ errorCode }) => textOf(errorCode)).find((code) => code !== undefined)
  return { code: own ?? textOf(error.status), field: wrongField(details) }
}

const taken = ({ body }: WireAnswer): Outcome => {
  const name = textOf(parseObject(body)?.name)
  return name === undefined
    ? outcomeFor(fcmRows, { status: 200, code: 'unparsable' })
    : outcomeFor(fcmRows, { status: 200 }, { providerMessageId: name })
}

export const openFcmChannel = async (options: FcmOptions): Promise<DisposableChannel> => {
  const { clock, url, ca, connections = 2 } = options
  const tokens = createAccessTokens(options)
  const wire = openWire({ url, ca, connections, http2: true })
  const path = `/v1/projects/${encodeURIComponent(options.projectId)}/messages:send`

  const refusal = ({ status, headers, body }: WireAnswer, authorization: string): Outcome => {
    const { code, field } = refusalOf(body)
    if (status === 401 && code !== 'THIRD_PARTY_AUTH_ERROR') tokens.drop(authorization)
    const afterMs = parseRetryAfter(headers['retry-after'], clock.now())
    return outcomeFor(fcmRows, { status, code, field }, { afterMs, detail: field })
  }

  return {
    provider: 'fcm',
    send: async (message, { signal, onFirstByte, onWritten }) => {
      if (message.to.kind !== 'device') return notADevice
      const body = buildFcmBody(message, message.to.token, clock.now())
      if (body === undefined) return tooLarge
      const granted = tokens.get(signal)
      const authorization = typeof granted === 'string' ? granted : await granted
      if (typeof authorization !== 'string') return outcomeFor(fcmRows, { ...authorization })
      const answer = await wire.request({
        method: 'POST',
        path,
        headers: { authorization, 'content-type': 'application/json' },
        body,
        signal,
        onFirstByte,
        onWritten,
      })
      if (answer.failure !== undefined) return outcomeFor(fcmRows, { ...answer })
      return answer.status === 200 ? taken(answer) : refusal(answer, authorization)
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([tokens[Symbol.asyncDispose](), wire[Symbol.asyncDispose]()])
    },
  }
}
