import { type Static, Type } from 'typebox'
import type { NotificationRequest } from '#handlers/accept.ts'
import { checkerOf, invalid, withRule } from '../check.ts'
import { timeOf } from '../timestamps.ts'
import * as field from './fields.ts'

const dataBytesMax = 64 * 1024

const to = field.closed(
  {
    userId: Type.Optional(field.userId),
    email: Type.Optional(field.email),
    phone: Type.Optional(field.phone),
    device: Type.Optional(field.closed({ platform: field.platform, token: field.token })),
  },
  { minProperties: 1, maxProperties: 1, description: 'Exactly one of these.' },
)

const template = field.closed(
  { name: field.templateName, version: Type.Optional(field.version) },
  { description: 'Without a version: the newest, pinned now.' },
)

const content = field.closed(
  {
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000 })),
    body: Type.String({ minLength: 1, maxLength: 65_536 }),
    subject: Type.Optional(
      Type.String({ minLength: 1, maxLength: 998, pattern: '^[^\\u0000-\\u001f\\u007f]+$' }),
    ),
    html: Type.Optional(Type.String({ minLength: 1, maxLength: 200_000 })),
  },
  { description: 'Shown as it is. E-mail needs a subject.' },
)

const shape = field.closed(
  {
    eventId: field.eventId,
    to,
    template: Type.Optional(template),
    content: Type.Optional(content),
    data: Type.Optional(
      field.anyObject('What the template is filled with; 64 KB of JSON at most.'),
    ),
    channels: Type.Optional(
      Type.Array(field.channel, {
        minItems: 1,
        uniqueItems: true,
        description: 'The set to use, all at once. Absent: every one that is there.',
      }),
    ),
    category: Type.Optional(field.category),
    priority: Type.Optional(field.priority),
    sendAt: Type.Optional(field.timestamp),
    expiresAt: Type.Optional(field.timestamp),
  },
  { description: 'Exactly one of `template` and `content`.' },
)

const refuseLargeData = (data: object): void => {
  const text = JSON.stringify(data)
  // A UTF-16 unit is at most three bytes: most data need not be measured.
  if (text.length * 3 <= dataBytesMax || Buffer.byteLength(text) <= dataBytesMax) return
  throw invalid('/data', `The data are at most ${dataBytesMax} bytes of JSON.`)
}

const refuseTogether = (request: Static<typeof shape>): void => {
  const { template, content, data, sendAt, expiresAt } = request
  if (template && content) {
    throw invalid('/content', 'There has to be either a template or content, not both.')
  }
  if (!template && !content) {
    throw invalid('/template', 'There has to be either a template or content.')
  }
  if (data) refuseLargeData(data)
  if (sendAt !== undefined) timeOf(sendAt, '/sendAt')
  if (expiresAt !== undefined) timeOf(expiresAt, '/expiresAt')
}

export const notificationBody = withRule(shape, refuseTogether)

const check = checkerOf(notificationBody)

/** A line of a batch as a request; throws `ApiProblem`. */
export const requestOf = (value: unknown): NotificationRequest => {
  const problem = check(value)
  if (problem) throw problem
  return value as NotificationRequest
}
