import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { mask } from '#domain/notification/endpoint.ts'
import type { Preferences, Recipient } from '#domain/recipient/recipient.ts'
import { Refusal } from '#domain/recorded-fact.ts'
import { actorOf, seesPersonal } from '../authenticate.ts'
import { invalid, withRule } from '../check.ts'
import { answers, changed } from '../schemas/answers.ts'
import * as field from '../schemas/fields.ts'
import { bearerAuth, type Routing, typed } from './api.ts'

const { closed } = field
const optional = Type.Optional

/** The names of zones are the runtime's to know. */
const refuseUnknownZone = ({ timeZone }: { readonly timeZone?: string }): void => {
  if (timeZone === undefined) return
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch {
    throw invalid('/timeZone', 'There is no such time zone; see the IANA time zone database.')
  }
}

const profileBody = withRule(
  closed(
    {
      email: optional(field.email),
      phone: optional(field.phone),
      locale: optional(field.locale),
      timeZone: optional(field.timeZone),
    },
    { description: 'The whole profile: what is left out is removed.' },
  ),
  refuseUnknownZone,
)
const deviceBody = closed({ platform: field.platform, token: field.token })
const byChannel = closed({
  push: optional(Type.Boolean()),
  sms: optional(Type.Boolean()),
  email: optional(Type.Boolean()),
})
const preferencesBody = closed({
  receive: optional(Type.Boolean({ description: '`false`: nothing at all.' })),
  channels: optional(byChannel),
  categories: optional(
    Type.Record(
      Type.String({ pattern: field.categoryPattern }),
      Type.Union([Type.Boolean(), closed({ channels: byChannel })]),
      { additionalProperties: false, maxProperties: 100 },
    ),
  ),
})

const userParams = Type.Object({ userId: field.userId })
const deviceParams = Type.Object({ userId: field.userId, deviceId: field.deviceId })
const recipientAnswer = Type.Object({
  userId: Type.String(),
  revision: Type.Integer(),
  email: optional(Type.String()),
  phone: optional(Type.String()),
  locale: optional(Type.String()),
  timeZone: optional(Type.String()),
  devices: Type.Array(
    Type.Object({
      deviceId: Type.String(),
      platform: Type.String(),
      token: Type.String(),
      registeredAt: Type.String({ format: 'date-time' }),
    }),
  ),
  preferences: Type.Object({}),
})

const viewOf = (recipient: Recipient, personal: boolean) => {
  const { userId, revision, email, phone, locale, timeZone, devices, preferences } = recipient
  return {
    userId,
    revision,
    ...(email !== undefined && { email: personal ? email : mask.email(email) }),
    ...(phone !== undefined && { phone: personal ? phone : mask.phone(phone) }),
    ...(locale !== undefined && { locale }),
    ...(timeZone !== undefined && { timeZone }),
    devices: devices.map(({ deviceId, platform, token, registeredAt }) => ({
      deviceId,
      platform,
      token: personal ? token : mask.token(token),
      registeredAt: new Date(registeredAt).toISOString(),
    })),
    preferences,
  }
}

const about = (operationId: string, summary: string) => ({
  operationId,
  summary,
  tags: ['recipients'],
  security: bearerAuth,
})
const recorded = answers({
  200: { is: changed, says: 'It holds for everything sent from now on.' },
})
const config = { scope: 'recipients' } as const

const readRoute = (app: FastifyInstance, { recipients }: Routing): void => {
  typed(app).get(
    '/v1/recipients/:userId',
    {
      config,
      schema: {
        ...about('readRecipient', 'What is known of a person; addresses are masked'),
        params: userParams,
        querystring: closed({ personal: optional(field.personal) }),
        response: answers({ 200: { is: recipientAnswer, says: 'As the log says now.' } }),
      },
    },
    async (request) => {
      const personal = seesPersonal(request)
      const found = await recipients.load(request.caller.app, request.params.userId)
      if (!found) throw new Refusal('recipient/not-found', 'There is no such recipient.')
      return viewOf(found, personal)
    },
  )
}

const deviceRoutes = (app: FastifyInstance, { recipients }: Routing): void => {
  const path = '/v1/recipients/:userId/devices/:deviceId'
  typed(app).put(
    path,
    {
      config,
      schema: {
        ...about('putDevice', 'Register a device, or its new token'),
        params: deviceParams,
        body: deviceBody,
        response: recorded,
      },
    },
    async ({ caller, params: { userId, deviceId }, body }) =>
      recipients.change(
        caller.app,
        userId,
        { do: 'add-device', deviceId, ...body },
        actorOf(caller),
      ),
  )
  typed(app).delete(
    path,
    {
      config,
      schema: {
        ...about('deleteDevice', 'Remove a device'),
        params: deviceParams,
        response: recorded,
      },
    },
    async ({ caller, params: { userId, deviceId } }) =>
      recipients.change(
        caller.app,
        userId,
        { do: 'remove-device', deviceId, reason: 'requested' },
        actorOf(caller),
      ),
  )
}

/** What is known of people, and what they want. */
export const recipientRoutes = (app: FastifyInstance, needs: Routing): void => {
  const { recipients } = needs
  readRoute(app, needs)
  deviceRoutes(app, needs)
  typed(app).put(
    '/v1/recipients/:userId',
    {
      config,
      schema: {
        ...about('putRecipient', 'Make a person known, or replace the profile'),
        params: userParams,
        body: profileBody,
        response: recorded,
      },
    },
    async ({ caller, params: { userId }, body: profile }) => {
      const { app } = caller
      return recipients.change(app, userId, { do: 'update', app, userId, profile }, actorOf(caller))
    },
  )
  typed(app).put(
    '/v1/recipients/:userId/preferences',
    {
      config,
      schema: {
        ...about('putPreferences', 'What a person wants to receive; replaces what was said before'),
        params: userParams,
        body: preferencesBody,
        response: recorded,
      },
    },
    async ({ caller, params: { userId }, body }) =>
      recipients.change(
        caller.app,
        userId,
        { do: 'change-preferences', preferences: body as Preferences },
        actorOf(caller),
      ),
  )
}
