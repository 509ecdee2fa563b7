import { type TSchema, Type } from 'typebox'
import { channels, platforms, priorities } from '#domain/notification/events.ts'

/** The limits of every field that somebody may give. A length counts code points. */

const control = '\\u0000-\\u001f\\u007f'
const plain = `^[^${control}]+$`

/** Any Unicode at all, NUL too: it stands last in what its notification's id is made of. */
export const eventId = Type.String({
  minLength: 1,
  maxLength: 255,
  description: "The producer's name of what happened to whom; taken as it is, not normalised.",
  examples: ['order-1001-shipped:mina'],
})
export const userId = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: plain,
  description: "The app's own name of a person; no control characters.",
})
export const deviceId = Type.String({ minLength: 1, maxLength: 255, pattern: plain })
export const token = Type.String({
  minLength: 1,
  maxLength: 4096,
  pattern: plain,
  description: 'As the platform gave it to the app.',
})
export const phone = Type.String({
  pattern: '^\\+[1-9][0-9]{6,14}$',
  description: 'E.164.',
  examples: ['+821012345678'],
})

/** Where a mail could go, not all that RFC 5322 allows; linear time. */
const local = `[^\\s@,;:<>()\\[\\]\\\\"${control}]{1,64}`
const label = '[\\p{L}\\p{N}](?:[\\p{L}\\p{N}-]{0,61}[\\p{L}\\p{N}])?'
export const email = Type.String({
  maxLength: 254,
  pattern: `^${local}@(?:${label}\\.)+${label}$`,
  examples: ['mina@example.org'],
})

export const channel = Type.Enum([...channels])
export const platform = Type.Enum([...platforms])
export const priority = Type.Enum([...priorities])
export const categoryPattern = '^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$'
export const category = Type.String({ pattern: categoryPattern })
export const templateName = Type.String({
  pattern: '^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$',
  examples: ['order-shipped'],
})
export const version = Type.Integer({ minimum: 1, maximum: 1_000_000 })
export const localePattern = '^[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{1,8}){0,4}$'
export const locale = Type.String({ pattern: localePattern, examples: ['ko', 'pt-BR'] })
export const timeZone = Type.String({ minLength: 1, maxLength: 64, examples: ['Asia/Seoul'] })

/** RFC 3339, section 5.6, with an offset; `timestamps.ts` looks whether there is such a day. */
export const timestamp = Type.String({
  format: 'date-time',
  pattern:
    '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]' +
    '(?:\\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$',
  description: 'RFC 3339 with an offset.',
  examples: ['2026-03-01T09:00:00+09:00'],
})

/** Any JSON object. */
export const anyObject = (description: string) =>
  Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object', description })

/** Nothing but these fields. */
export const closed = <P extends Record<string, TSchema>>(
  properties: P,
  options: Readonly<Record<string, unknown>> = {},
) => Type.Object(properties, { ...options, additionalProperties: false })

export const personal = Type.Enum(['1'], {
  description: 'Show addresses and personal data; the key needs the scope `operate`.',
})
