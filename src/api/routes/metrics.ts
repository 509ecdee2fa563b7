import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { keyOf, refusedKey } from '../authenticate.ts'
import { ApiProblem } from '../problems.ts'
import { answers } from '../schemas/answers.ts'
import { bearerAuth, type Routing, typed } from './api.ts'

/** Numbers for Prometheus. They tell of all apps and of how busy we are: not for strangers. */
export const metricRoutes = (app: FastifyInstance, needs: Routing): void => {
  const { metrics, apps, rateLimits } = needs
  if (!metrics) return

  const admit = async (request: FastifyRequest): Promise<void> => {
    const shown = keyOf(request)
    if (metrics.admits(shown)) return
    const caller = await apps.authenticate(shown)
    if (!caller) throw refusedKey()
    rateLimits.take(caller.keyId)
    if (!caller.scopes.includes('operate')) {
      throw new ApiProblem('auth/scope-missing', 'The key lacks the scope `operate`.')
    }
  }

  typed(app).get(
    '/metrics',
    {
      onRequest: admit,
      schema: {
        operationId: 'readMetrics',
        summary: 'Numbers for Prometheus, as this process sees them',
        tags: ['operations'],
        security: bearerAuth,
        response: answers({ 200: { is: Type.String(), says: 'Text format 0.0.4.' } }),
      },
    },
    async (_request, reply) => {
      const text = await metrics.text()
      return reply.header('cache-control', 'no-store').type(metrics.contentType).send(text)
    },
  )
}
