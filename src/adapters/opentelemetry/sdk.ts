import { metrics, trace } from '@opentelemetry/api'
import { startNodeSdk } from '@opentelemetry/sdk-node'
import type { Instrument } from '#ports/telemetry.ts'
import { exportMetrics } from './export-metrics.ts'
import { note } from './running.ts'
import { createTracing } from './tracing.ts'
import { type Env, wantedSignals } from './wanted.ts'

type ByEnvironment<T> = T extends unknown ? ('sampler' extends keyof T ? T : never) : never
type SdkOptions = ByEnvironment<NonNullable<Parameters<typeof startNodeSdk>[0]>>

const scope = 'pabal'
/** A collector that does not answer keeps nobody from stopping. */
const stopMaxMs = 5_000

const giveUp = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, stopMaxMs).unref()
  })

/**
 * Starts OpenTelemetry by its standard variables, which the SDK reads itself. Only what was asked for is
 * exported: without an address the SDK would send to a collector on this machine that may not exist.
 */
export const startSdk = (
  env: Env,
  instruments: readonly Instrument[],
  over: Pick<SdkOptions, 'spanProcessors' | 'metricReaders'> = {},
): void => {
  const wanted = wantedSignals(env)
  const sdk = startNodeSdk({
    // What it says below that would go to standard output, which is for programs.
    logLevel: env.OTEL_LOG_LEVEL || 'warn',
    // There are none: the log of the process is on standard error.
    logRecordProcessors: [],
    ...(!wanted.traces && { spanProcessors: [] }),
    ...(!wanted.metrics && { metricReaders: [] }),
    ...over,
  })
  const traces = wanted.traces || over.spanProcessors !== undefined
  const exports = wanted.metrics || over.metricReaders !== undefined
  note({
    ...(traces && { tracing: createTracing(trace.getTracer(scope)) }),
    export: (registry) => {
      if (exports) exportMetrics(metrics.getMeter(scope), registry, instruments)
    },
    stop: () => Promise.race([sdk.shutdown().catch(() => {}), giveUp()]),
  })
}
