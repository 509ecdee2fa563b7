import { createServer, type IncomingMessage } from 'node:http'
import type { StatusAnswer } from './answers.ts'
import type { Courier } from './courier.ts'
import type { Desk, Protocol, SendRequest } from './desk.ts'
import { ResponseExchange, readBody } from './exchange.ts'
import { httpOptions } from './http-options.ts'
import type { Identity } from './identity.ts'
import { type Listener, listen } from './listener.ts'
import { createTwilioCallbacks } from './twilio-callbacks.ts'
import { twilioError } from './twilio-errors.ts'
import { listPage } from './twilio-list.ts'
import {
  createMessage,
  createTwilioMessages,
  messageResource,
  type TwilioMessage,
} from './twilio-messages.ts'

const bodyBytesMax = 262_144
const bodyCharsMax = 1_600

interface TwilioRequest extends SendRequest {
  form: URLSearchParams
  /** Undefined until it was taken: what was not must not be found by a client that asks. */
  message: TwilioMessage | undefined
}

interface TwilioOptions {
  identity: Identity
  desk: Desk
  courier: Courier
  checkCredentials: boolean
  receiptDelayMs: number
}

const refIn = (statusCallback: string): string =>
  URL.parse(statusCallback)?.searchParams.get('ref') ?? ''

const bad = (code: number): StatusAnswer => ({ status: 400, code })

const wrongIn = (form: URLSearchParams, from: string): StatusAnswer | undefined => {
  const to = form.get('To')
  if (!to) return bad(21604)
  if (!/^\+[1-9]\d{6,14}$/.test(to)) return bad(21211)
  const sender = form.get('From')
  if (!sender && !form.get('MessagingServiceSid')) return bad(21603)
  if (sender && sender !== from) return bad(21606)
  const body = form.get('Body')
  if (!body) return bad(21602)
  if (body.length > bodyCharsMax) return bad(21617)
  const callback = form.get('StatusCallback')
  return callback && URL.parse(callback) === null ? bad(21609) : undefined
}

const createProtocol = (options: TwilioOptions) => {
  const { identity, courier, receiptDelayMs } = options
  const { accountSid, from } = identity.twilio
  const messages = createTwilioMessages()
  const callbacks = createTwilioCallbacks({ twilio: identity.twilio, courier, receiptDelayMs })

  const fieldsOf = ({ to, form, visible }: TwilioRequest) => ({
    to,
    from: form.get('From') ?? from,
    body: visible,
    statusCallback: form.get('StatusCallback') ?? '',
  })

  const protocol: Protocol<TwilioRequest> = {
    provider: 'twilio',
    successStatus: 201,
    reply: (request, answer) => {
      if (answer.status >= 300) return twilioError(answer)
      const message = request.message ?? createMessage(fieldsOf(request))
      // As it was when Twilio took it, also if callbacks have run ahead.
      const resource = { ...messageResource(accountSid, message), status: 'queued' }
      const headers = { 'content-type': 'application/json' }
      return { status: answer.status, headers, body: JSON.stringify(resource) }
    },
    take: (request, plan) => {
      request.message = messages.add(fieldsOf(request))
      return callbacks.plan(request.message, plan)
    },
  }
  return { protocol, messages }
}

const createHandler = (options: TwilioOptions) => {
  const { accountSid, authToken, from } = options.identity.twilio
  const { protocol, messages } = createProtocol(options)
  const base = `/2010-04-01/Accounts/${accountSid}/Messages`
  const credentials = Buffer.from(`${accountSid}:${authToken}`).toString('base64')

  const unauthorised = (incoming: IncomingMessage): StatusAnswer | undefined =>
    !options.checkCredentials || incoming.headers.authorization === `Basic ${credentials}`
      ? undefined
      : { status: 401 }

  const show = (incoming: IncomingMessage, exchange: ResponseExchange) => {
    const url = new URL(incoming.url ?? '/', 'http://twilio.sandbox')
    const sid = /\/(SM[0-9a-f]{32})\.json$/.exec(url.pathname)?.[1]
    const refusal = unauthorised(incoming)
    const message = sid === undefined ? undefined : messages.get(sid)
    const headers = { 'content-type': 'application/json' }
    if (refusal !== undefined) exchange.send(twilioError(refusal))
    else if (url.pathname === `${base}.json`)
      exchange.send({ status: 200, headers, body: listPage(accountSid, messages, url) })
    else if (url.pathname === `${base}/${sid}.json` && message !== undefined)
      exchange.send({
        status: 200,
        headers,
        body: JSON.stringify(messageResource(accountSid, message)),
      })
    else exchange.send(twilioError({ status: 404 }))
  }

  return (incoming: IncomingMessage, exchange: ResponseExchange, body: Buffer | undefined) => {
    if (incoming.method === 'GET') return show(incoming, exchange)
    const form = new URLSearchParams(body?.toString('utf8') ?? '')
    const request: TwilioRequest = {
      to: form.get('To') ?? '',
      ref: refIn(form.get('StatusCallback') ?? ''),
      visible: form.get('Body') ?? '',
      bodyBytes: body?.length ?? bodyBytesMax,
      form,
      message: undefined,
    }
    const found = incoming.method === 'POST' && incoming.url === `${base}.json`
    const refusal =
      unauthorised(incoming) ?? (found ? wrongIn(form, from) : { status: 404, code: 20404 })
    options.desk.serve(protocol, exchange, [request], refusal)
  }
}

export const listenTwilio = (
  options: TwilioOptions,
  host: string,
  port: number,
): Promise<Listener> => {
  const handle = createHandler(options)
  const server = createServer(httpOptions, (incoming, response) => {
    const exchange = new ResponseExchange(response)
    readBody(incoming, bodyBytesMax, (body) => handle(incoming, exchange, body))
  })
  return listen(server, host, port)
}
