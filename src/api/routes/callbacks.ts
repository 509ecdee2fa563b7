import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { appNamePattern } from '#domain/app/app.ts'
import { parseRawBodies } from '../body-parsers.ts'
import { ApiProblem } from '../problems.ts'
import { answers } from '../schemas/answers.ts'
import { type Routing, typed } from './api.ts'

const params = Type.Object({ provider: Type.String(), app: Type.String() })

/** A header that came twice is joined, as Node does with most. */
const headersOf = (request: FastifyRequest): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  )

/** What providers say later. Whoever can sign for a provider may speak; nobody has to show a key. */
export const callbackRoutes = (app: FastifyInstance, needs: Routing): void => {
  const { apps, receipts, receiptReaders, clock, limits } = needs
  parseRawBodies(app, clock, limits.requestTimeoutMs)

  typed(app).post(
    '/v1/callbacks/:provider/:app',
    {
      // Before the body is read: who speaks to nobody is not listened to.
      onRequest: async (request, reply) => {
        reply.header('cache-control', 'no-store')
        const { provider, app: name } = request.params as { provider: string; app: string }
        const known = receiptReaders.has(provider) && appNamePattern.test(name)
        if (known && (await apps.exists(name))) return
        throw new ApiProblem('request/not-found', 'There is nothing at this path.')
      },
      schema: {
        operationId: 'takeCallback',
        summary: "A provider's receipts, verified on the raw bytes and recorded before the answer",
        tags: ['callbacks'],
        params,
        response: answers({ 204: { is: Type.Null(), says: 'It is recorded.' } }),
      },
    },
    async (request, reply) => {
      const { provider, app: name } = request.params
      const body = (request.body as Uint8Array | undefined) ?? new Uint8Array()
      const url = request.raw.url ?? request.url
      const read = receiptReaders.get(provider)!
      const told = read.read({ url, headers: headersOf(request), body, now: clock.now() })
      if (!told) {
        throw new ApiProblem(
          'callback/not-authentic',
          'The provider did not sign this, or long ago.',
        )
      }
      await receipts.take(name, provider, told)
      return reply.code(204).send()
    },
  )
}
