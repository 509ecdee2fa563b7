import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'

/** Has to be registered before the routes that it describes. */
export const describeRoutes = (app: FastifyInstance, version: string): void => {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Pabal',
        version,
        description:
          'Tells people once, on every channel they accept, and can prove it. Errors are RFC 9457 problems with stable codes.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'An API key: `pbl_live_…`.' },
        },
      },
    },
    transform: ({ schema, url, route }) => {
      const documented = route.config?.documented
      return { schema: documented ? { ...schema, ...documented } : schema, url }
    },
  })
}

/** The description of all of this, for people and generators. */
export const openApiRoute = (app: FastifyInstance): void => {
  let text: string | undefined
  app.get(
    '/openapi.json',
    {
      schema: {
        operationId: 'readOpenApi',
        summary: 'This document',
        tags: ['operations'],
        response: { 200: { type: 'object', description: 'OpenAPI 3.1.' } },
      },
    },
    async (_request, reply) => {
      text ??= JSON.stringify(app.swagger())
      return reply.type('application/json; charset=utf-8').send(text)
    },
  )
}
