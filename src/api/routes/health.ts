import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { type Routing, typed } from './api.ts'

const live = Type.Object({ status: Type.String() })
const ready = Type.Object({
  ready: Type.Boolean(),
  problems: Type.Array(
    Type.Object({ code: Type.String(), provider: Type.Optional(Type.String()) }),
  ),
})

/** For whoever starts, stops and balances processes; nobody has to show a key. */
export const healthRoutes = (app: FastifyInstance, { health, stopping }: Routing): void => {
  typed(app).get(
    '/healthz',
    {
      schema: {
        operationId: 'isLive',
        summary: 'The process answers',
        tags: ['operations'],
        response: { 200: live },
      },
    },
    async () => ({ status: 'live' }),
  )
  typed(app).get(
    '/readyz',
    {
      schema: {
        operationId: 'isReady',
        summary: 'Whether it can do its work; names providers that are paused or not set up',
        tags: ['operations'],
        response: { 200: ready, 503: ready },
      },
    },
    async (_request, reply) => {
      const { ready, problems } = await health()
      const can = ready && !stopping.aborted
      // Messages may say more than a stranger has to know.
      const shown = problems.map(({ code, provider }) => ({
        code,
        ...(provider !== undefined && { provider }),
      }))
      return reply.code(can ? 200 : 503).send({
        ready: can,
        problems: stopping.aborted ? [...shown, { code: 'service/stopping' }] : shown,
      })
    },
  )
}
