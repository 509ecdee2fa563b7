import { randomUUID } from 'node:crypto'
import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { StatusAnswer } from './answers.ts'
import { createTokenCheck } from './apns-token.ts'
import type { Desk, Protocol, SendRequest } from './desk.ts'
import { ignoreErrors, readBody, StreamExchange } from './exchange.ts'
import { http2Options } from './http2-options.ts'
import type { Identity } from './identity.ts'
import { type JsonObject, joinTexts, objectIn, parseObject } from './json.ts'
import { type Listener, listen } from './listener.ts'

const payloadBytesMax = 4_096
const bodyBytesMax = 1_048_576
const pathStart = '/3/device/'
const deviceToken = /^[0-9a-f]{64,200}$/i
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const pushTypes = new Set(
  'alert background voip location complication fileprovider mdm liveactivity pushtotalk widgets controls'.split(
    ' ',
  ),
)

const usualReasons: Record<number, string> = {
  400: 'BadDeviceToken',
  401: 'InvalidProviderToken',
  403: 'InvalidProviderToken',
  404: 'BadPath',
  405: 'MethodNotAllowed',
  410: 'Unregistered',
  413: 'PayloadTooLarge',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
}

interface ApnsRequest extends SendRequest {
  apnsId: string
}

const protocol: Protocol<ApnsRequest> = {
  provider: 'apns',
  successStatus: 200,
  reply: (request, { status, code, retryAfterS }) => {
    const headers: Record<string, string> = { 'apns-id': request.apnsId }
    if (retryAfterS !== undefined) headers['retry-after'] = String(retryAfterS)
    if (status < 300) return { status, headers, body: '' }
    const reason = code ?? usualReasons[status] ?? 'InternalServerError'
    const body = status === 410 ? { reason, timestamp: Date.now() } : { reason }
    return { status, headers, body: JSON.stringify(body) }
  },
}

const visibleOf = (payload: JsonObject | undefined): string => {
  const alert = objectIn(payload?.aps).alert
  if (typeof alert === 'string') return alert
  const { title, subtitle, body } = objectIn(alert)
  return joinTexts(title, subtitle, body)
}

const bad = (code: string): StatusAnswer => ({ status: 400, code })

const wrongHeader = (headers: IncomingHttpHeaders, topic: string): StatusAnswer | undefined => {
  const sent = headers['apns-topic']
  if (sent === undefined) return bad('MissingTopic')
  if (sent !== topic) return bad('TopicDisallowed')
  const { 'apns-id': id, 'apns-collapse-id': collapseId, 'apns-expiration': expiration } = headers
  if (id !== undefined && !uuid.test(String(id))) return bad('BadMessageId')
  if (collapseId !== undefined && Buffer.byteLength(String(collapseId)) > 64)
    return bad('BadCollapseId')
  if (expiration !== undefined && !/^\d+$/.test(String(expiration))) return bad('BadExpirationDate')
  const priority = headers['apns-priority']
  if (priority !== undefined && !/^(1|5|10)$/.test(String(priority))) return bad('BadPriority')
  const pushType = headers['apns-push-type']
  if (pushType !== undefined && !pushTypes.has(String(pushType))) return bad('InvalidPushType')
  return undefined
}

interface ApnsOptions {
  identity: Identity
  desk: Desk
  checkCredentials: boolean
}

/** Gives the handler of one stream. Nothing here awaits: this is the load sink of the benchmark. */
const createHandler = ({ identity, desk, checkCredentials }: ApnsOptions) => {
  const checkToken = createTokenCheck(identity.apns)

  const refusalOf = (
    headers: IncomingHttpHeaders,
    token: string | undefined,
    body: Buffer | undefined,
    payload: JsonObject | undefined,
  ): StatusAnswer | undefined => {
    if (token === undefined) return { status: 404 }
    if (headers[':method'] !== 'POST') return { status: 405 }
    const unauthorised = checkCredentials ? checkToken(headers.authorization) : undefined
    if (unauthorised !== undefined) return unauthorised
    if (token === '') return bad('MissingDeviceToken')
    if (!deviceToken.test(token)) return bad('BadDeviceToken')
    const wrong = wrongHeader(headers, identity.apns.topic)
    if (wrong !== undefined) return wrong
    if (body === undefined) return { status: 413 }
    const limit = headers['apns-push-type'] === 'voip' ? 5_120 : payloadBytesMax
    if (body.length > limit) return { status: 413 }
    return payload === undefined ? bad('PayloadEmpty') : undefined
  }

  return (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    const exchange = new StreamExchange(stream)
    ignoreErrors(stream)
    readBody(stream, bodyBytesMax, (body) => {
      if (!exchange.claim()) return
      const path = headers[':path'] ?? ''
      const token = path.startsWith(pathStart) ? path.slice(pathStart.length) : undefined
      const payload = parseObject(body)
      const sentId = typeof headers['apns-id'] === 'string' ? headers['apns-id'] : ''
      const request: ApnsRequest = {
        to: token ?? '',
        ref: typeof payload?.ref === 'string' ? payload.ref : sentId,
        visible: visibleOf(payload),
        bodyBytes: body?.length ?? bodyBytesMax,
        apnsId: sentId || randomUUID(),
      }
      desk.serve(protocol, exchange, [request], refusalOf(headers, token, body, payload))
    })
  }
}

export const listenApns = (options: ApnsOptions, host: string, port: number): Promise<Listener> => {
  const server = createSecureServer({ ...options.identity.tls, ...http2Options })
  server.on('sessionError', () => {})
  server.on('stream', createHandler(options))
  return listen(server, host, port)
}
