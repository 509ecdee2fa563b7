import { type FastifyInstance, fastify } from 'fastify'
import type { Clock } from '#ports/clock.ts'
import { answerErrors, answerUnreadable, sendProblem } from './answer-errors.ts'
import { createAuthenticate } from './authenticate.ts'
import { parseJsonBodies } from './body-parsers.ts'
import { validatorCompiler } from './check.ts'
import type { ApiNeeds } from './needs.ts'
import { createNotFound } from './not-found.ts'
import { describeRoutes, openApiRoute } from './openapi.ts'
import { ApiProblem, problemOf } from './problems.ts'
import { createRateLimits } from './rate-limits.ts'
import type { Routing } from './routes/api.ts'
import { batchRoute } from './routes/batch.ts'
import { callbackRoutes } from './routes/callbacks.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { metricRoutes } from './routes/metrics.ts'
import { notificationRoutes } from './routes/notifications.ts'
import { queryRoutes } from './routes/queries.ts'
import { queueRoutes } from './routes/queues.ts'
import { recipientRoutes } from './routes/recipients.ts'
import { suppressionRoutes } from './routes/suppressions.ts'
import { templateRoutes } from './routes/templates.ts'
import { traceRequests } from './trace-requests.ts'

export type { Health } from './health.ts'
export { type ApiNeeds, defaultLimits, type Limits } from './needs.ts'

const headerBytesMax = 16 * 1024
/** Answers that are under way when the service stops have this long. */
const stopMs = 10_000
const idleEveryMs = 50
/** 255 code points of four bytes, percent-encoded. */
const pathParameterMax = 4 * 255 * 3

const createApp = (needs: ApiNeeds): FastifyInstance =>
  fastify({
    logger: false,
    // A batch may take any time: bodies have their own time-outs, and headers this one.
    requestTimeout: 0,
    http: {
      maxHeaderSize: headerBytesMax,
      headersTimeout: needs.limits.requestTimeoutMs,
      connectionsCheckingInterval: 5_000,
    },
    routerOptions: { maxParamLength: pathParameterMax },
    // Of a socket on which nothing moves: who does not read his answer does not keep it for ever.
    connectionTimeout: 4 * needs.limits.requestTimeoutMs,
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, problemOf(error)),
    clientErrorHandler: answerUnreadable,
  })

/** A connection that has been answered is kept open by its client: it is closed as soon as it is idle. */
const closeConnections = async (app: FastifyInstance, clock: Clock): Promise<void> => {
  const closed = new AbortController()
  app.server.once('close', () => closed.abort())
  for (let waitedMs = 0; waitedMs < stopMs && !closed.signal.aborted; waitedMs += idleEveryMs) {
    await clock.sleep(idleEveryMs, closed.signal)
    app.server.closeIdleConnections()
  }
  app.server.closeAllConnections()
}

/** Refuses what comes while the service stops; streams that are under way end, if need be the hard way. */
const stopGently = (app: FastifyInstance, { clock }: ApiNeeds): AbortSignal => {
  const stopping = new AbortController()
  app.addHook('preClose', async () => {
    stopping.abort()
    if (app.server.listening) void closeConnections(app, clock)
  })
  app.addHook('onRequest', async () => {
    if (!stopping.signal.aborted) return
    throw new ApiProblem('service/stopping', 'The service is stopping; try again soon.', {
      headers: { 'retry-after': '1', connection: 'close' },
    })
  })
  return stopping.signal
}

const logRequests = (app: FastifyInstance, { log, metrics }: ApiNeeds): void => {
  // The pattern, not the path: paths name people.
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    metrics?.onRequest(request.method, route, reply.statusCode, reply.elapsedTime)
    log.debug('A request was answered.', {
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 1_000) / 1_000,
      app: request.caller?.app,
      key: request.caller?.keyId,
    })
  })
}

/** What takes a key. */
const keyedRoutes = (app: FastifyInstance, routing: Routing): void => {
  app.addHook('onRequest', createAuthenticate(routing.apps))
  app.register(async (streams) => batchRoute(streams, routing))
  app.register(async (single) => {
    single.addHook('onRequest', async ({ caller }) => routing.rateLimits.take(caller.keyId))
    notificationRoutes(single, routing)
    queryRoutes(single, routing)
    eventRoutes(single, routing)
    recipientRoutes(single, routing)
    suppressionRoutes(single, routing)
    templateRoutes(single, routing)
    queueRoutes(single, routing)
  })
}

/** HTTP in, HTTP out; listens when it is told to. */
export const buildServer = (needs: ApiNeeds): FastifyInstance => {
  const { clock, limits, log, version } = needs
  const app = createApp(needs)
  const rateLimits = createRateLimits(clock, limits.ratePerSecond)
  const routing: Routing = { ...needs, rateLimits, stopping: stopGently(app, needs) }
  const notFound = createNotFound(app)
  app.decorateRequest('caller')
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  app.setNotFoundHandler(notFound)
  answerErrors(app, log)
  if (needs.tracing) traceRequests(app, needs.tracing)
  logRequests(app, needs)
  parseJsonBodies(app, clock, limits.requestTimeoutMs)
  describeRoutes(app, version)
  app.register(async (open) => {
    healthRoutes(open, routing)
    metricRoutes(open, routing)
  })
  if (needs.operationsOnly) return app
  app.register(async (keyed) => keyedRoutes(keyed, routing))
  app.register(async (signed) => callbackRoutes(signed, routing))
  app.register(async (open) => openApiRoute(open))
  return app
}
