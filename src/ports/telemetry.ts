/** What is measured, declared once as data; see src/app/telemetry/instruments.ts. */
export interface Instrument {
  /** By the semantic conventions of OpenTelemetry where they have one, else `pabal.…`. */
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** UCUM: `s`, `By`, `1`, or what is counted in braces. */
  readonly unit: string
  readonly description: string
  /** Every one has few values, known beforehand; never an id, an address or a tenant. */
  readonly attributes: readonly string[]
  /** Upper bounds of a histogram, ascending, in `unit`. */
  readonly buckets?: readonly number[]
  /** `own`: what this process did, to be added up. `shared`: each process tells the same; take the greatest. */
  readonly of: 'own' | 'shared'
}

/** Where numbers go. Costs next to nothing: nobody is called, a sum in memory grows. Never throws. */
export interface Meters {
  /** Values of the attributes in the order of the instrument. */
  add(instrument: Instrument, value: number, ...attributes: readonly string[]): void
  /** One observation of a histogram, in its unit. */
  record(instrument: Instrument, value: number, ...attributes: readonly string[]): void
}

/** Tells how things stand, when it is asked. */
export type Observe = (
  instrument: Instrument,
  value: number,
  ...attributes: readonly string[]
) => void

/** What stands somewhere and is only looked at when somebody asks. May throw: then it is absent. */
export interface GaugeSource {
  readonly name: string
  observe(observe: Observe): Promise<void> | void
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

export interface SpanOptions {
  readonly kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal'
  /** W3C `traceparent` to go on from. Absent: the active span; without one a new trace begins. */
  readonly parent?: string
  /** Begins a new trace, whatever is active. */
  readonly root?: boolean
  /** Other spans that led to this one. */
  readonly links?: readonly string[]
  readonly attributes?: SpanAttributes
}

export interface Span {
  /** W3C `traceparent` for whoever goes on from here. */
  readonly traceparent: string
  set(attributes: SpanAttributes): void
  /** A fixed code or the name of an error; never a provider's or a person's text. */
  fail(code: string): void
  end(): void
}

/** Spans; there is none of this when nobody asked for traces, so that it costs nothing. */
export interface Tracing {
  start(name: string, options: SpanOptions): Span
  /** Runs with this span as the active one, also in what is awaited. */
  within<T>(span: Span, run: () => T): T
  /** `traceparent` of the active span. */
  readonly active: string | undefined
}

const pattern = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** A header as W3C Trace Context has it; anything else is as none. */
export const parseTraceparent = (header: unknown): string | undefined =>
  typeof header === 'string' && pattern.test(header) ? header : undefined

export const isSameTrace = (a: string, b: string): boolean => a.slice(3, 35) === b.slice(3, 35)
