import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { seesPersonal } from '../authenticate.ts'
import { openFeed } from '../event-feed.ts'
import { lines as answeredLines, event } from '../schemas/answers.ts'
import * as field from '../schemas/fields.ts'
import { bearerAuth, type Routing, typed } from './api.ts'

const optional = Type.Optional
const query = field.closed({
  after: optional(Type.String({ maxLength: 200, description: 'A position; absent: the start.' })),
  types: optional(
    Type.String({
      pattern: '^[A-Za-z]{1,60}(?:,[A-Za-z]{1,60}){0,99}$',
      description: 'Types of events, separated by commas; absent: all.',
    }),
  ),
  limit: optional(Type.Integer({ minimum: 1, maximum: 100_000, default: 10_000 })),
  personal: optional(field.personal),
})

const lastLine = Type.Object(
  { resumeAfter: Type.String(), atHead: Type.Boolean(), logId: Type.String() },
  { description: 'The last line: where to go on, whether there is more, and in which log.' },
)

/** The log of an app as lines, to be read on from where one was. */
export const eventRoutes = (app: FastifyInstance, { events }: Routing): void => {
  typed(app).get(
    '/v1/events',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readLog',
        summary: "The app's events as NDJSON, up to the head of the log",
        tags: ['events'],
        security: bearerAuth,
        querystring: query,
        response: answeredLines(Type.Union([event, lastLine]), 'One event a line.'),
      },
    },
    async (request, reply) => {
      const { after, types, limit = 10_000 } = request.query
      const lines = await openFeed(events, {
        app: request.caller.app,
        limit,
        personal: seesPersonal(request),
        ...(after !== undefined && { after }),
        ...(types !== undefined && { types: new Set(types.split(',')) }),
      })
      return reply
        .type('application/x-ndjson; charset=utf-8')
        .send(Readable.from(lines, { objectMode: false }))
    },
  )
}
