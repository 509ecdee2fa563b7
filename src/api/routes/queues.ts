import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { CircuitState } from '#handlers/circuit.ts'
import type { Progress } from '#handlers/progress.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'
import { answers } from '../schemas/answers.ts'
import { closed } from '../schemas/fields.ts'
import { bearerAuth, type Routing, typed } from './api.ts'

const parkedMax = 1_000
const optional = Type.Optional

const answer = Type.Object({
  lanes: Type.Array(
    Type.Object({
      lane: Type.String(),
      priority: Type.String(),
      waiting: Type.Integer(),
      inFlight: Type.Integer(),
      oldestAgeSeconds: Type.Number(),
    }),
  ),
  projections: Type.Array(
    Type.Object({
      projection: Type.String(),
      generation: Type.Integer(),
      position: optional(Type.String()),
      caughtUp: Type.Boolean(),
      lagSeconds: optional(Type.Number({ description: 'Absent before the first event.' })),
    }),
  ),
  parked: Type.Object({
    count: Type.Integer(),
    more: Type.Boolean({ description: 'There are more than were counted.' }),
  }),
  credentials: Type.Array(
    Type.Object({
      credential: Type.String(),
      provider: Type.String(),
      circuit: Type.String({
        description: 'closed: it works. open: paused. probing: being tried.',
      }),
      why: optional(Type.String()),
      resumesInSeconds: optional(Type.Number()),
    }),
  ),
})

const seconds = (ms: number): number => Math.max(0, Math.round(ms) / 1_000)

const lagOf = ({ caughtUp, foldedAt }: Progress, now: number) => {
  if (caughtUp) return { lagSeconds: 0 }
  return foldedAt === 0 ? {} : { lagSeconds: seconds(now - foldedAt) }
}

const circuitOf = (state: CircuitState, nowMs: number) => ({
  circuit: state.is,
  ...(state.is !== 'closed' && { why: state.why }),
  ...(state.is === 'open' && { resumesInSeconds: seconds(state.untilMs - nowMs) }),
})

/** How much waits, and for how long. */
export const queueRoutes = (app: FastifyInstance, needs: Routing): void => {
  const { queue, progress, credentials, documents, readModels, clock } = needs

  const parkedOf = async (of: string) => {
    const collection = await readModels.active(notificationsProjection as unknown as Projection)
    const found = await documents.find(collection, {
      where: { app: of, status: 'parked' },
      order: { field: 'requestedAt', direction: 'ascending' },
      limit: parkedMax,
    })
    return { count: found.length, more: found.length === parkedMax }
  }

  typed(app).get(
    '/v1/queues',
    {
      config: { scope: 'operate' },
      schema: {
        operationId: 'readQueues',
        summary: 'Depth and age of the queues, lag of the read models, what is parked or paused',
        tags: ['operations'],
        security: bearerAuth,
        querystring: closed({}),
        response: answers({ 200: { is: answer, says: 'As this process sees it.' } }),
      },
    },
    async ({ caller }) => ({
      lanes: (await queue.depths()).map(({ oldestAgeMs, ...depth }) => ({
        ...depth,
        oldestAgeSeconds: seconds(oldestAgeMs),
      })),
      projections: progress().map((each) => ({
        projection: each.projection,
        generation: each.generation,
        ...(each.position !== undefined && { position: each.position }),
        caughtUp: each.caughtUp,
        ...lagOf(each, clock.now()),
      })),
      parked: await parkedOf(caller.app),
      credentials: credentials.statuses.map(({ name, provider, state }) => ({
        credential: name,
        provider,
        ...circuitOf(state, clock.monotonic()),
      })),
    }),
  )
}
