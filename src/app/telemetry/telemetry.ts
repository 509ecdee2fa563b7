import { createHash, timingSafeEqual } from 'node:crypto'
import { prometheusContentType, prometheusText } from '#adapters/opentelemetry/prometheus-text.ts'
import { createRegistry } from '#adapters/opentelemetry/registry.ts'
import type { RunningSdk } from '#adapters/opentelemetry/running.ts'
import type { Metrics } from '#api/needs.ts'
import type { Channel } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Secret } from '#ports/secret.ts'
import type { GaugeSource } from '#ports/telemetry.ts'
import type { WorkQueue } from '#ports/work-queue.ts'
import { allInstruments, instruments } from './instruments.ts'
import { measureAccept, measureChannel, measureEvents, measureQueue } from './measure.ts'
import { createProcessSource } from './process-gauges.ts'
import { traceChannel, traceEvents, traceQueue } from './trace.ts'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** What is put around the ports so that they can be seen; those who use them do not notice. */
export const createTelemetry = (needs: {
  readonly clock: Clock
  /** `undefined` until there is one. */
  readonly log: () => Log | undefined
  readonly token?: Secret | undefined
  readonly sdk?: RunningSdk | undefined
}) => {
  const { clock, sdk } = needs
  const tracing = sdk?.tracing
  const meters = createRegistry(allInstruments, (source, error) => {
    meters.add(instruments.sourceFailures, 1, source)
    needs.log()?.warn('What a metric tells could not be looked at.', {
      source,
      error: error as Error,
    })
  })
  const own = createProcessSource(meters)
  meters.addSource(own)
  const measuring = { meters, clock }
  const token = needs.token && digest(needs.token.reveal())

  const metrics: Metrics = {
    contentType: prometheusContentType,
    text: async () => prometheusText(await meters.collect()),
    admits: (shown) => token !== undefined && timingSafeEqual(digest(shown), token),
    onRequest: (method, route, status, ms) =>
      meters.record(instruments.requests, ms / 1_000, method, route, String(status)),
  }

  return {
    ...{ metrics, tracing },
    accept: (accept: Parameters<typeof measureAccept>[0]) => measureAccept(accept, measuring),
    events: (events: EventStore): EventStore => {
      const measured = measureEvents(events, measuring)
      return tracing ? traceEvents(measured, tracing) : measured
    },
    queue: <Q extends WorkQueue>(queue: Q, events: Pick<EventStore, 'read'>): Q => {
      const measured = measureQueue(queue, measuring)
      return tracing ? traceQueue(measured, tracing, events) : measured
    },
    channel: <C extends Channel>(channel: C): C => {
      const measured = measureChannel(channel, measuring)
      return tracing ? traceChannel(measured, tracing) : measured
    },
    /** From now on these are looked at, and everything is sent to whoever the SDK was told of. */
    observe(sources: readonly GaugeSource[]): void {
      for (const source of sources) meters.addSource(source)
      sdk?.export(meters)
    },
    async [Symbol.asyncDispose]() {
      await sdk?.stop()
      own[Symbol.dispose]()
    },
  }
}

export type Telemetry = ReturnType<typeof createTelemetry>
