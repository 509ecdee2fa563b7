import {
  type Context,
  context,
  isSpanContextValid,
  type Link,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Span, SpanOptions, Tracing } from '#ports/telemetry.ts'

const kinds: Readonly<Record<SpanOptions['kind'], SpanKind>> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
}

const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`

const spanContextOf = (traceparent: string): SpanContext => ({
  traceId: traceparent.slice(3, 35),
  spanId: traceparent.slice(36, 52),
  traceFlags: Number.parseInt(traceparent.slice(53), 16),
  isRemote: true,
})

/** Spans through the API: whatever SDK was started before gets them. */
export const createTracing = (tracer: Tracer): Tracing => {
  const contexts = new WeakMap<Span, Context>()

  const wrap = (span: OtelSpan, parent: Context): Span => {
    const wrapped: Span = {
      traceparent: traceparentOf(span.spanContext()),
      set: (attributes) => void span.setAttributes(attributes),
      fail(code) {
        span.setAttribute('error.type', code)
        span.setStatus({ code: SpanStatusCode.ERROR })
      },
      end: () => span.end(),
    }
    contexts.set(wrapped, trace.setSpan(parent, span))
    return wrapped
  }

  return {
    start(name, { kind, parent, root, links = [], attributes = {} }) {
      const around = root ? ROOT_CONTEXT : context.active()
      const from =
        parent === undefined ? around : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent))
      const linked: Link[] = links.map((each) => ({ context: spanContextOf(each) }))
      const span = tracer.startSpan(
        name,
        { kind: kinds[kind], links: linked, attributes: { ...attributes } },
        from,
      )
      return wrap(span, from)
    },
    within: (span, run) => context.with(contexts.get(span)!, run),
    get active() {
      const found = trace.getActiveSpan()?.spanContext()
      return found && isSpanContextValid(found) ? traceparentOf(found) : undefined
    },
  }
}
