import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Accept } from '#handlers/accept.ts'
import { createIntake } from '#handlers/intake.ts'
import { noteError } from '../answer-errors.ts'
import { actorOf, keyOf, refusedKey } from '../authenticate.ts'
import { runBatch } from '../batch/batch.ts'
import { parseStreams } from '../body-parsers.ts'
import { ApiProblem, problemOf } from '../problems.ts'
import { lines, problem } from '../schemas/answers.ts'
import { notificationBody, requestOf } from '../schemas/notification.ts'
import { traceOfLine } from '../trace-requests.ts'
import { bearerAuth, type Routing, typed } from './api.ts'

/** A revoked key holds at most this long for a batch that is under way. */
const admittedMs = 2_000

const answerOf = ({ answer, replayed }: Awaited<ReturnType<Accept>>) => {
  const { id, eventId, status } = answer
  const seen = replayed ? { replayed } : {}
  return { status: 202, id, eventId, notificationStatus: status, ...seen }
}

const line = Type.Object({
  line: Type.Integer({
    description: 'Of the input, from 1; empty lines count and are not answered.',
  }),
  status: Type.Integer({ description: '202, or what the line alone would have been answered.' }),
  id: Type.Optional(Type.String()),
  eventId: Type.Optional(Type.String()),
  notificationStatus: Type.Optional(Type.String()),
  replayed: Type.Optional(Type.Boolean()),
  problem: Type.Optional(problem),
})

/** Any number of requests over one connection, answered line by line as they come. */
export const batchRoute = (app: FastifyInstance, needs: Routing): void => {
  const { accept, apps, clock, limits, log, rateLimits, stopping, tracing } = needs
  const path = '/v1/notifications/batch'
  parseStreams(app)
  const intake = createIntake(needs)

  typed(app).post(
    path,
    {
      config: {
        scope: 'send',
        documented: {
          consumes: ['application/x-ndjson', 'application/jsonl'],
          body: notificationBody,
        },
      },
      schema: {
        operationId: 'requestNotifications',
        summary: 'Any number of requests, one JSON a line of at most 256 KB, answered line by line',
        tags: ['notifications'],
        security: bearerAuth,
        response: lines(line, 'One answer a line, in order.'),
      },
    },
    async (request, reply) => {
      const { caller } = request
      const actor = actorOf(caller)
      let admittedAtMs = clock.monotonic()
      if (!request.body) {
        throw new ApiProblem('request/unsupported-media-type', 'Send application/x-ndjson.')
      }
      const batch = runBatch(request.body as Readable, {
        decide: (value) => {
          // What is wrong with its shape is thrown here and now.
          const asked = accept(caller.app, actor, requestOf(value), traceOfLine(request, tracing))
          return asked.then(answerOf)
        },
        admit: async () => {
          if (clock.monotonic() - admittedAtMs < admittedMs) return
          if (!(await apps.authenticate(keyOf(request)))) throw refusedKey()
          admittedAtMs = clock.monotonic()
        },
        onError: (error) => noteError(log, error, problemOf(error), path),
        intake,
        bucket: rateLimits.bucketOf(caller.keyId),
        clock,
        idleMs: limits.batchIdleMs,
        idle: () => new ApiProblem('request/timeout', 'Nothing came for too long.'),
        stopping,
        stopped: () => new ApiProblem('service/stopping', 'The service is stopping; go on later.'),
      })
      void batch.done.then(({ complete }) => {
        // What is left of the input would be read to its end otherwise, however long that takes.
        if (!complete) reply.raw.once('finish', () => request.raw.socket?.destroySoon?.())
      })
      return reply.type('application/x-ndjson; charset=utf-8').send(batch.output)
    },
  )
}
