import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseTraceparent, type Span, type Tracing } from '#ports/telemetry.ts'

const spans = new WeakMap<FastifyRequest, Span>()

/** Only who shows a key may go on with a trace of his own: a stranger has none to give. */
const toldTrace = (request: FastifyRequest): string | undefined =>
  request.routeOptions.config.scope === undefined
    ? undefined
    : parseTraceparent(request.headers.traceparent)

/** What is recorded in the course of a request carries this: its span, or the trace it came with. */
export const traceOf = (request: FastifyRequest): string | undefined =>
  spans.get(request)?.traceparent ?? toldTrace(request)

/** A line of a batch gets a trace of its own, linked to its request: a trace of a million is of no use. */
export const traceOfLine = (request: FastifyRequest, tracing?: Tracing): string | undefined => {
  const span = spans.get(request)
  if (!tracing || !span) return toldTrace(request)
  const line = tracing.start('accept line', {
    kind: 'internal',
    root: true,
    links: [span.traceparent],
  })
  line.end()
  return line.traceparent
}

/** A span for each request, active in its handler. */
export const traceRequests = (app: FastifyInstance, tracing: Tracing): void => {
  app.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions.url ?? 'unknown'
    const parent = toldTrace(request)
    const span = tracing.start(`${request.method} ${route}`, {
      kind: 'server',
      ...(parent === undefined ? { root: true } : { parent }),
      // The pattern, not the path: paths name people.
      attributes: { 'http.request.method': request.method, 'http.route': route },
    })
    spans.set(request, span)
    done()
  })
  // After the body was read: what is read from a socket runs outside of any span.
  app.addHook('preHandler', (request, _reply, done) => {
    const span = spans.get(request)
    if (span) tracing.within(span, done)
    else done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request)
    span?.set({ 'http.response.status_code': reply.statusCode })
    if (reply.statusCode >= 500) span?.fail(String(reply.statusCode))
    span?.end()
    done()
  })
}
