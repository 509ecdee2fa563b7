import { randomBytes } from 'node:crypto'

export interface TwilioMessage {
  sid: string
  to: string
  from: string
  body: string
  status: string
  errorCode: number | null
  createdAt: number
  statusCallback: string
}

type Fields = Pick<TwilioMessage, 'to' | 'from' | 'body' | 'statusCallback'>

export interface TwilioMessages {
  add(fields: Fields): TwilioMessage
  get(sid: string): TwilioMessage | undefined
  /** Newest first, as the API gives them; `skip` and `limit` make a page. */
  list(filter: ListFilter): TwilioMessage[]
}

export interface ListFilter {
  to: string | null
  from: string | null
  /** Milliseconds since the epoch, both inclusive. */
  after: number
  before: number
  skip: number
  limit: number
}

const keptMax = 200_000

/** Twilio's times are whole seconds, so what asks for `DateSent>` half a second ago finds nothing. */
export const createMessage = (fields: Fields): TwilioMessage => ({
  ...fields,
  sid: `SM${randomBytes(16).toString('hex')}`,
  status: 'queued',
  errorCode: null,
  createdAt: Math.floor(Date.now() / 1_000) * 1_000,
})

/** What was taken, so that a client can ask whether a send whose answer was lost had arrived. */
export const createTwilioMessages = (): TwilioMessages => {
  const bySid = new Map<string, TwilioMessage>()
  const byRecipient = new Map<string, Set<TwilioMessage>>()

  const forgetOldest = () => {
    const oldest = bySid.values().next().value
    if (oldest === undefined) return
    bySid.delete(oldest.sid)
    const others = byRecipient.get(oldest.to)
    others?.delete(oldest)
    if (others?.size === 0) byRecipient.delete(oldest.to)
  }

  return {
    add: (fields) => {
      if (bySid.size >= keptMax) forgetOldest()
      const message = createMessage(fields)
      bySid.set(message.sid, message)
      const others = byRecipient.get(message.to)
      if (others === undefined) byRecipient.set(message.to, new Set([message]))
      else others.add(message)
      return message
    },
    get: (sid) => bySid.get(sid),
    list: ({ to, from, after, before, skip, limit }) => {
      const some = to === null ? bySid.values() : (byRecipient.get(to) ?? [])
      return [...some]
        .reverse()
        .filter((one) => from === null || one.from === from)
        .filter((one) => one.createdAt >= after && one.createdAt <= before)
        .slice(skip, skip + limit)
    },
  }
}

const order = ['queued', 'sending', 'sent']

/** Callbacks may be told in any order, but what the API shows only moves on. */
export const moveOn = (message: TwilioMessage, status: string, code?: string | number): void => {
  const from = order.indexOf(message.status)
  const to = order.indexOf(status)
  if (from < 0 || (to >= 0 && to < from)) return
  message.status = status
  if (code !== undefined && isFailure(status)) message.errorCode = Number(code)
}

export const isFailure = (status: string): boolean =>
  status === 'undelivered' || status === 'failed'

/** The Message resource as it stands in every answer. */
export const messageResource = (accountSid: string, message: TwilioMessage) => {
  const date = new Date(message.createdAt).toUTCString().replace('GMT', '+0000')
  const uri = `/2010-04-01/Accounts/${accountSid}/Messages/${message.sid}`
  return {
    account_sid: accountSid,
    api_version: '2010-04-01',
    body: message.body,
    date_created: date,
    date_sent: message.status === 'queued' ? null : date,
    date_updated: date,
    direction: 'outbound-api',
    error_code: message.errorCode,
    error_message: null,
    from: message.from,
    messaging_service_sid: null,
    num_media: '0',
    num_segments: '1',
    price: null,
    price_unit: 'USD',
    sid: message.sid,
    status: message.status,
    subresource_uris: { media: `${uri}/Media.json` },
    to: message.to,
    uri: `${uri}.json`,
  }
}
