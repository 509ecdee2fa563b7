import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { StatusAnswer } from './answers.ts'
import type { Desk, Protocol, SendRequest } from './desk.ts'
import { ResponseExchange, readBody } from './exchange.ts'
import { httpOptions } from './http-options.ts'
import type { Identity } from './identity.ts'
import { type JsonObject, joinTexts, listIn, objectIn, parseObject, textIn } from './json.ts'
import { type Listener, listen } from './listener.ts'
import { type SendgridError, sendgridError } from './sendgrid-errors.ts'
import type { SendgridEvents } from './sendgrid-events.ts'

const bodyBytesMax = 30 * 1_048_576
const personalizationsMax = 1_000
const customArgsBytesMax = 10_000

interface MailRequest extends SendRequest {
  messageId: string
  customArgs: JsonObject
  wrong: SendgridError | undefined
}

interface SendgridOptions {
  identity: Identity
  desk: Desk
  events: SendgridEvents
  checkCredentials: boolean
}

const createProtocol = (events: SendgridEvents): Protocol<MailRequest> => ({
  provider: 'sendgrid',
  successStatus: 202,
  reply: (request, answer) =>
    answer.status < 300
      ? { status: answer.status, headers: { 'x-message-id': request.messageId }, body: '' }
      : sendgridError(answer, request.wrong),
  take: (request, plan) => events.plan(request, plan),
})

const required = 'is required.'

const wrongIn = (mail: JsonObject | undefined): SendgridError | undefined => {
  if (mail === undefined) return { message: 'Bad Request', field: null }
  const personalizations = listIn(mail.personalizations)
  const field = 'personalizations'
  if (personalizations.length === 0)
    return { message: `The personalizations field ${required}`, field }
  if (personalizations.length > personalizationsMax)
    return { message: 'There is a limit of 1000 personalizations in your request.', field }
  for (const [i, personalization] of personalizations.entries()) {
    const { to } = objectIn(personalization)
    if (!/^[^@\s]+@[^@\s]+$/.test(textIn(objectIn(listIn(to)[0]).email)))
      return { message: 'Does not contain a valid address.', field: `${field}.${i}.to` }
  }
  const custom = JSON.stringify([mail.custom_args, personalizations.map(customArgsOf)])
  if (custom.length > customArgsBytesMax * personalizations.length)
    return { message: 'The custom_args are too large.', field: 'custom_args' }
  if (!textIn(objectIn(mail.from).email))
    return { message: 'The from object must be provided for every email send.', field: 'from' }
  if (mail.template_id !== undefined) return undefined
  if (!mail.subject && personalizations.some((one) => !objectIn(one).subject))
    return { message: `The subject ${required}`, field: 'subject' }
  return listIn(mail.content).length === 0
    ? { message: 'There must be at least one defined content block.', field: 'content' }
    : undefined
}

const customArgsOf = (personalization: unknown): JsonObject =>
  objectIn(objectIn(personalization).custom_args)

const notOurSender: SendgridError = {
  message:
    'The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved. Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see the Sender Identity requirements',
  field: 'from',
}

/** One for each personalization: each is a mail of its own to somebody. */
const requestsIn = (
  mail: JsonObject | undefined,
  bodyBytes: number,
  wrong: SendgridError | undefined,
): [MailRequest, ...MailRequest[]] => {
  const messageId = randomBytes(16).toString('base64url')
  const contents = listIn(mail?.content).map((content) => objectIn(content).value)
  const requestOf = (personalization: JsonObject): MailRequest => {
    const customArgs = { ...objectIn(mail?.custom_args), ...customArgsOf(personalization) }
    return {
      to: textIn(objectIn(listIn(personalization.to)[0]).email),
      ref: textIn(customArgs.ref),
      visible: joinTexts(personalization.subject ?? mail?.subject, ...contents),
      bodyBytes,
      messageId,
      customArgs,
      wrong,
    }
  }
  const [first, ...others] = listIn(mail?.personalizations).map(objectIn)
  return [requestOf(first ?? {}), ...others.slice(0, personalizationsMax).map(requestOf)]
}

const createHandler = ({ identity, desk, events, checkCredentials }: SendgridOptions) => {
  const { apiKey, from } = identity.sendgrid
  const protocol = createProtocol(events)
  const verifiedDomain = from.slice(from.indexOf('@'))

  return (incoming: IncomingMessage, exchange: ResponseExchange, body: Buffer | undefined) => {
    const mail = parseObject(body)
    const sender = textIn(objectIn(mail?.from).email)
    const foreign = checkCredentials && !sender.endsWith(verifiedDomain)
    const wrong = wrongIn(mail) ?? (foreign ? notOurSender : undefined)
    const refusalOf = (): StatusAnswer | undefined => {
      if (checkCredentials && incoming.headers.authorization !== `Bearer ${apiKey}`)
        return { status: 401 }
      if (incoming.url !== '/v3/mail/send') return { status: 404 }
      if (incoming.method !== 'POST') return { status: 405 }
      if (body === undefined) return { status: 413 }
      if (wrong === undefined) return undefined
      return { status: wrong === notOurSender ? 403 : 400 }
    }
    const refusal = refusalOf()
    const shown = refusal?.status === 400 || refusal?.status === 403 ? wrong : undefined
    const requests = requestsIn(mail, body?.length ?? bodyBytesMax, shown)
    desk.serve(protocol, exchange, requests, refusal)
  }
}

export const listenSendgrid = (
  options: SendgridOptions,
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
