import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { NotificationRequest } from '#handlers/accept.ts'
import { actorOf } from '../authenticate.ts'
import { mayBeAbsent } from '../check.ts'
import { answers, firstAnswer } from '../schemas/answers.ts'
import { closed } from '../schemas/fields.ts'
import { notificationBody } from '../schemas/notification.ts'
import { traceOf } from '../trace-requests.ts'
import { bearerAuth, notificationId, type Routing, typed } from './api.ts'

const cancelled = Type.Object({
  status: Type.String(),
  cancelled: Type.Array(Type.String(), { description: 'Deliveries that were stopped.' }),
  left: Type.Array(Type.String(), { description: 'Deliveries that a provider has taken.' }),
  mayHaveLeft: Type.Array(Type.String(), { description: 'Deliveries whose fate is not known.' }),
})
const redriven = Type.Object({ status: Type.String(), redriven: Type.Boolean() })
const params = Type.Object({ id: Type.String() })

const redriveBody = mayBeAbsent(
  closed({
    force: Type.Optional(
      Type.Boolean({ description: 'Also what may have been sent: somebody may see it twice.' }),
    ),
  }),
)

/** What is asked of notifications. */
export const notificationRoutes = (app: FastifyInstance, needs: Routing): void => {
  const { accept, operations } = needs

  typed(app).post(
    '/v1/notifications',
    {
      config: { scope: 'send' },
      schema: {
        operationId: 'requestNotification',
        summary: 'Have somebody told something, once',
        tags: ['notifications'],
        security: bearerAuth,
        body: notificationBody,
        response: answers({
          202: {
            is: firstAnswer,
            says: 'It is recorded. Said again, it is answered as the first time.',
          },
        }),
      },
    },
    async (request, reply) => {
      const { caller, body } = request
      const { answer, replayed } = await accept(
        caller.app,
        actorOf(caller),
        body as NotificationRequest,
        traceOf(request),
      )
      if (replayed) reply.header('pabal-replayed', 'true')
      return reply
        .code(202)
        .header('location', `/v1/notifications/${answer.id}`)
        .type('application/json; charset=utf-8')
        .send(JSON.stringify(answer))
    },
  )

  typed(app).post(
    '/v1/notifications/:id/cancel',
    {
      config: { scope: 'send' },
      schema: {
        operationId: 'cancelNotification',
        summary: 'Stop what has not left yet; never too late to ask',
        tags: ['notifications'],
        security: bearerAuth,
        params,
        response: answers({ 200: { is: cancelled, says: 'What could be stopped, and what not.' } }),
      },
    },
    async ({ caller, params }) =>
      operations.cancel(caller.app, notificationId(params.id), actorOf(caller)),
  )

  typed(app).post(
    '/v1/notifications/:id/redrive',
    {
      config: { scope: 'operate' },
      schema: {
        operationId: 'redriveNotification',
        summary: 'Try again what was parked or has failed',
        tags: ['notifications'],
        security: bearerAuth,
        params,
        body: redriveBody,
        response: answers({
          200: { is: redriven, says: 'Whether there was anything to redrive.' },
        }),
      },
    },
    async ({ caller, params, body }) =>
      operations.redrive(
        caller.app,
        notificationId(params.id),
        (body as typeof body | null | undefined)?.force === true,
        actorOf(caller),
      ),
  )
}
