import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { notificationIdOf } from '#domain/identity.ts'
import { notificationStatuses } from '#domain/notification/status.ts'
import { explain } from '#projections/notifications/explain.ts'
import { findNotifications, type HistoryFilter } from '#projections/notifications/find.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import { readNotification, readRecorded } from '#projections/notifications/read.ts'
import type { Projection } from '#projections/projection.ts'
import { seesPersonal } from '../authenticate.ts'
import { invalid, withRule } from '../check.ts'
import { cursorOf, placeOf } from '../cursor.ts'
import { eventView } from '../event-view.ts'
import { answers, event, explanation, notification, pageOf } from '../schemas/answers.ts'
import * as field from '../schemas/fields.ts'
import { timeOf } from '../timestamps.ts'
import { bearerAuth, notificationId, type Routing, typed, unknownNotification } from './api.ts'

const optional = Type.Optional
const params = Type.Object({ id: Type.String() })
const oneQuery = { at: optional(field.timestamp), personal: optional(field.personal) }
const historyQuery = {
  status: optional(Type.Enum([...notificationStatuses])),
  channel: optional(field.channel),
  category: optional(field.category),
  from: optional(field.timestamp),
  to: optional(field.timestamp),
  cursor: optional(Type.String({ maxLength: 1_000 })),
  limit: optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
}

/** `eventId` asks for one notification, everything else for a page of them. */
const listQuery = withRule(
  field.closed({
    eventId: optional(field.eventId),
    userId: optional(field.userId),
    ...oneQuery,
    ...historyQuery,
  }),
  (query) => {
    const one = query.eventId !== undefined
    for (const key of Object.keys(query)) {
      if (key === 'eventId' || key in oneQuery === one) continue
      throw invalid(`/${key}`, one ? 'Not together with eventId.' : 'Only together with eventId.')
    }
  },
)
const userQuery = field.closed(historyQuery)
type HistoryQuery = Static<typeof userQuery> & { readonly userId?: string }

const about = (operationId: string, summary: string) => ({
  operationId,
  summary,
  tags: ['notifications'],
  security: bearerAuth,
})
const config = { scope: 'read' } as const

const createQueries = ({ events, documents, readModels }: Routing) => {
  const active = () => readModels.active(notificationsProjection as unknown as Projection)

  return {
    one: async (app: string, id: string, at: string | undefined, personal: boolean) => {
      const sources = { events, documents, collection: active }
      const time = at === undefined ? {} : { at: timeOf(at, '/at') }
      const found = await readNotification(sources, app, id, { personal, ...time })
      if (!found) throw unknownNotification()
      return found
    },
    recorded: async (app: string, id: string) => {
      const recorded = await readRecorded(events, app, notificationId(id))
      if (!recorded) throw unknownNotification()
      return recorded
    },
    history: async (app: string, query: HistoryQuery) => {
      const { from, to, cursor, limit = 50, ...rest } = query
      const filter: HistoryFilter = {
        app,
        ...rest,
        ...(from !== undefined && { from: timeOf(from, '/from') }),
        ...(to !== undefined && { to: timeOf(to, '/to') }),
      }
      const after = cursor === undefined ? {} : { after: placeOf(filter, cursor, 'number') }
      const needs = { documents, collection: await active() }
      const { items, next } = await findNotifications(needs, filter, { ...after, limit })
      return { items, ...(next && { cursor: cursorOf(filter, next) }) }
    },
  }
}

const historyRoutes = (app: FastifyInstance, queries: ReturnType<typeof createQueries>): void => {
  typed(app).get(
    '/v1/notifications',
    {
      config,
      schema: {
        ...about('listNotifications', 'The history, newest first; or one notification by eventId'),
        querystring: listQuery,
        response: answers({
          200: {
            is: Type.Union([pageOf(notification), notification]),
            says: 'A page, which may be short though it has a cursor; with eventId the notification.',
          },
        }),
      },
    },
    async (request) => {
      const { caller, query } = request
      const { eventId, at, personal: _personal, ...history } = query
      if (eventId === undefined) return queries.history(caller.app, history)
      const id = notificationIdOf(caller.app, eventId)
      return queries.one(caller.app, id, at, seesPersonal(request))
    },
  )
  typed(app).get(
    '/v1/recipients/:userId/history',
    {
      config,
      schema: {
        ...about('readHistory', 'What one person was told, newest first'),
        params: Type.Object({ userId: field.userId }),
        querystring: userQuery,
        response: answers({ 200: { is: pageOf(notification), says: 'A page.' } }),
      },
    },
    async ({ caller, params: { userId }, query }) =>
      queries.history(caller.app, { ...query, userId }),
  )
}

/** What became of notifications. */
export const queryRoutes = (app: FastifyInstance, needs: Routing): void => {
  const queries = createQueries(needs)
  historyRoutes(app, queries)
  typed(app).get(
    '/v1/notifications/:id',
    {
      config,
      schema: {
        ...about('readNotification', 'One notification, now or as it was at a time'),
        params,
        querystring: field.closed(oneQuery),
        response: answers({ 200: { is: notification, says: 'Never 404 for what was accepted.' } }),
      },
    },
    async (request) => {
      const { caller, params, query } = request
      return queries.one(caller.app, notificationId(params.id), query.at, seesPersonal(request))
    },
  )
  typed(app).get(
    '/v1/notifications/:id/events',
    {
      config,
      schema: {
        ...about('readEvents', 'The audit trail: everything that was recorded'),
        params,
        querystring: field.closed({ personal: optional(field.personal) }),
        response: answers({
          200: { is: Type.Object({ events: Type.Array(event) }), says: 'Oldest first.' },
        }),
      },
    },
    async (request) => {
      const personal = seesPersonal(request)
      const recorded = await queries.recorded(request.caller.app, request.params.id)
      return { events: recorded.map((each) => eventView(each, personal)) }
    },
  )
  typed(app).get(
    '/v1/notifications/:id/explanation',
    {
      config,
      schema: {
        ...about('explainNotification', 'What happened and why, in words'),
        params,
        response: answers({ 200: { is: explanation, says: 'From recorded rules and values.' } }),
      },
    },
    async ({ caller, params: { id } }) => ({
      id,
      ...explain(await queries.recorded(caller.app, id)),
    }),
  )
}
