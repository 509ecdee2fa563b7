import { runningSdk } from '#adapters/opentelemetry/running.ts'
import { startSdk } from '#adapters/opentelemetry/sdk.ts'
import { allInstruments } from '#src/app/telemetry/instruments.ts'

type Processors = NonNullable<NonNullable<Parameters<typeof startSdk>[2]>['spanProcessors']>
type Ended = Parameters<Processors[number]['onEnd']>[0]

/** A span that has ended, as a test asks for it. */
export interface SeenSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly links: readonly string[]
  readonly attributes: Readonly<Record<string, unknown>>
  readonly failed: boolean
}

const seen = (span: Ended): SeenSpan => ({
  name: span.name,
  ...span.spanContext(),
  parentId: span.parentSpanContext?.spanId,
  links: span.links.map((link) => link.context.spanId),
  attributes: span.attributes,
  failed: span.status.code === 2,
})

/** Starts the SDK for this test file, once; its spans come to this list. */
export const collectSpans = () => {
  const spans: SeenSpan[] = []
  const processor: Processors[number] = {
    onStart: () => {},
    onEnd: (span) => void spans.push(seen(span)),
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  startSdk({}, allInstruments, { spanProcessors: [processor] })
  return { sdk: runningSdk()!, spans }
}

/** A span and all it goes back to, by parents and links: the newest first. */
export const ancestry = (spans: readonly SeenSpan[], from: SeenSpan): readonly SeenSpan[] => {
  const found: SeenSpan[] = []
  const look = (span: SeenSpan | undefined): void => {
    if (!span || found.includes(span)) return
    found.push(span)
    for (const id of [span.parentId, ...span.links]) look(spans.find((each) => each.spanId === id))
  }
  look(from)
  return found
}
