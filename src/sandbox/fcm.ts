import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { StatusAnswer } from './answers.ts'
import type { Desk, Protocol, SendRequest } from './desk.ts'
import {
  type Exchange,
  ignoreErrors,
  ResponseExchange,
  readBody,
  StreamExchange,
} from './exchange.ts'
import { fcmError } from './fcm-errors.ts'
import { createTokenOffice } from './fcm-token.ts'
import { http2Options } from './http2-options.ts'
import type { Identity } from './identity.ts'
import { type JsonObject, joinTexts, objectIn, parseObject, textIn } from './json.ts'
import { type Listener, listen } from './listener.ts'

const bodyBytesMax = 1_048_576
const shownBytesMax = 4_096

interface FcmRequest extends SendRequest {
  projectId: string
  wrong: { field: string; description: string } | undefined
}

const protocol: Protocol<FcmRequest> = {
  provider: 'fcm',
  successStatus: 200,
  reply: (request, answer) => {
    if (answer.status >= 300) return fcmError(answer, request.wrong)
    const id = `0:${Date.now()}%${randomBytes(8).toString('hex')}`
    return {
      status: answer.status,
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body: JSON.stringify({ name: `projects/${request.projectId}/messages/${id}` }),
    }
  },
}

const notAToken = 'The registration token is not a valid FCM registration token'

const wrongIn = (message: JsonObject | undefined, bytes: number): FcmRequest['wrong'] => {
  if (message === undefined)
    return { field: 'message', description: 'Invalid JSON payload received.' }
  const token = message.token
  if (token === undefined && message.topic === undefined && message.condition === undefined)
    return { field: 'message', description: 'Recipient of the message is not set.' }
  if (token !== undefined && textIn(token).length < 5)
    return { field: 'message.token', description: notAToken }
  const data = objectIn(message.data)
  const notText = Object.keys(data).find((key) => typeof data[key] !== 'string')
  if (notText !== undefined) {
    const field = `message.data[${notText}].value`
    return { field, description: `Invalid value at '${field}' (TYPE_STRING)` }
  }
  if (bytes <= shownBytesMax) return undefined
  const shown = JSON.stringify({ data, notification: message.notification })
  return Buffer.byteLength(shown) > shownBytesMax
    ? { field: 'message', description: 'Android message is too big' }
    : undefined
}

/** A message without a notification is shown by the app itself: then its data is what the person reads. */
const visibleOf = (message: JsonObject | undefined): string => {
  if (message?.notification !== undefined) {
    const { title, body } = objectIn(message.notification)
    return joinTexts(title, body)
  }
  const { ref: _, ...shown } = objectIn(message?.data)
  return JSON.stringify(shown)
}

interface FcmOptions {
  identity: Identity
  desk: Desk
  checkCredentials: boolean
  tokenUrl: () => string
}

interface Head {
  method: string
  path: string
  authorization: string
}

const createHandler = ({ identity, desk, checkCredentials, tokenUrl }: FcmOptions) => {
  const { projectId } = identity.fcm
  const office = createTokenOffice(identity.fcm, tokenUrl)

  const refusalOf = (
    head: Head,
    body: Buffer | undefined,
    wrong: FcmRequest['wrong'],
  ): StatusAnswer | undefined => {
    const token = /^bearer (.+)$/i.exec(head.authorization)?.[1] ?? ''
    if (checkCredentials && !office.isValid(token)) return { status: 401 }
    const sentTo = /^\/v1\/projects\/([^/]+)\/messages:send$/.exec(head.path)?.[1]
    if (sentTo !== projectId || head.method !== 'POST') return { status: 404 }
    if (body === undefined) return { status: 413 }
    return wrong === undefined ? undefined : { status: 400 }
  }

  return (head: Head, exchange: Exchange, body: Buffer | undefined): void => {
    if (head.path === '/token' && head.method === 'POST') {
      exchange.send(office.grant(body?.toString('utf8') ?? ''))
      return
    }
    const parsed = parseObject(body)
    const message = parsed?.message === undefined ? undefined : objectIn(parsed.message)
    const wrong = wrongIn(message, body?.length ?? 0)
    const refusal = refusalOf(head, body, wrong)
    const request: FcmRequest = {
      to: textIn(message?.token ?? message?.topic ?? message?.condition),
      ref: textIn(objectIn(message?.data).ref),
      visible: visibleOf(message),
      bodyBytes: body?.length ?? bodyBytesMax,
      projectId,
      wrong: refusal?.status === 400 ? wrong : undefined,
    }
    desk.serve(protocol, exchange, [request], refusal)
  }
}

/** HTTP/1.1 is spoken as well: firebase-admin sends single messages that way. */
export const listenFcm = (options: FcmOptions, host: string, port: number): Promise<Listener> => {
  const handle = createHandler(options)
  const server = createSecureServer({
    ...options.identity.tls,
    ...http2Options,
    allowHTTP1: true,
  })
  server.on('sessionError', () => {})
  server.on(
    'request',
    (
      incoming: Http2ServerRequest | IncomingMessage,
      response: Http2ServerResponse | ServerResponse,
    ) => {
      const head = {
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        authorization: incoming.headers.authorization ?? '',
      }
      ignoreErrors(incoming)
      if ('stream' in incoming) {
        const exchange = new StreamExchange(incoming.stream)
        ignoreErrors(incoming.stream)
        readBody(incoming, bodyBytesMax, (body) => {
          if (exchange.claim()) handle(head, exchange, body)
        })
      } else {
        const exchange = new ResponseExchange(response as ServerResponse)
        readBody(incoming, bodyBytesMax, (body) => handle(head, exchange, body))
      }
    },
  )
  return listen(server, host, port)
}
