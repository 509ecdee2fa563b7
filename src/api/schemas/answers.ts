import { type TSchema, Type } from 'typebox'
import { notificationStatuses } from '#domain/notification/status.ts'

/** What is answered; for the OpenAPI document alone, answers are not checked. */

export const problem = Type.Object(
  {
    type: Type.String({ format: 'uri-reference' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; docs/errors.md lists them all.' }),
    detail: Type.String(),
    pointer: Type.Optional(Type.String({ description: 'RFC 6901: the field that is wrong.' })),
  },
  { title: 'Problem', description: 'RFC 9457.' },
)

export const status = Type.Enum([...notificationStatuses])
const time = Type.String({ format: 'date-time' })
const optional = Type.Optional

export const endpoint = Type.Object({
  kind: Type.String(),
  deviceId: optional(Type.String()),
  platform: optional(Type.String()),
  masked: Type.String(),
})

const attempt = Type.Object({
  number: Type.Integer(),
  at: time,
  outcome: optional(Type.String({ description: 'Absent while the attempt is under way.' })),
  code: optional(Type.String()),
  reason: optional(Type.String()),
  retryAt: optional(time),
  evidence: optional(Type.String({ description: 'Who said so.' })),
  to: optional(Type.String({ description: 'With `personal=1`: where it went.' })),
})

export const notification = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    eventId: Type.String(),
    status: Type.String({ description: 'One of the statuses; `absent` before it was requested.' }),
    category: optional(Type.String()),
    priority: optional(Type.String()),
    requestedAt: optional(time),
    sendAt: optional(time),
    expiresAt: optional(time),
    revision: Type.Integer(),
    deliveries: Type.Array(
      Type.Object({
        deliveryId: Type.String(),
        channel: Type.String(),
        provider: Type.String(),
        endpoint,
        status: Type.String(),
        attempts: Type.Array(attempt),
      }),
    ),
    passedOver: Type.Array(Type.Object({ endpoint, reason: Type.String(), rule: Type.String() })),
    stale: optional(
      Type.String({ description: 'Why what is shown ends before the newest event.' }),
    ),
  },
  { title: 'Notification' },
)

export const firstAnswer = Type.Object({ id: Type.String(), eventId: Type.String(), status })

export const changed = Type.Object({
  revision: Type.Integer(),
  changed: Type.Boolean({ description: 'Whether anything was recorded.' }),
})

export const pageOf = <S extends TSchema>(items: S) =>
  Type.Object({
    items: Type.Array(items),
    cursor: optional(Type.String({ description: 'Of the next page; absent on the last one.' })),
  })

export const event = Type.Object({
  id: Type.String(),
  type: Type.String(),
  schemaVersion: Type.Integer(),
  stream: Type.String(),
  revision: Type.Integer(),
  position: Type.String(),
  at: time,
  actor: Type.String(),
  correlationId: Type.String(),
  causationId: optional(Type.String()),
  data: Type.Object({}),
  personal: optional(Type.Object({})),
})

export const explanation = Type.Object({
  id: Type.String(),
  status: Type.String(),
  summary: Type.String(),
  events: Type.Array(
    Type.Object({ revision: Type.Integer(), at: time, type: Type.String(), text: Type.String() }),
  ),
})

const problemContent = {
  description: 'No; RFC 9457.',
  content: { 'application/problem+json': { schema: problem } },
}

/** An answer of any number of lines. */
export const lines = (line: TSchema, says: string): Record<string, object> => ({
  200: { description: says, content: { 'application/x-ndjson': { schema: line } } },
  default: problemContent,
})

/** The answers of a route: the good ones, and any problem. */
export const answers = (
  good: Readonly<Record<number, { readonly is: TSchema; readonly says: string }>>,
): Record<string, object> => ({
  ...Object.fromEntries(
    Object.entries(good).map(([code, { is, says }]) => [
      code,
      { description: says, content: { 'application/json': { schema: is } } },
    ]),
  ),
  default: problemContent,
})
