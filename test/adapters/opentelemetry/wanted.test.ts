import { expect, test } from 'vitest'
import { wantedSignals } from '#adapters/opentelemetry/wanted.ts'

const endpoint = 'http://127.0.0.1:4318'

test.each([
  [{}, false, false],
  [{ OTEL_SERVICE_NAME: 'x', OTEL_EXPORTER_OTLP_HEADERS: 'a=b' }, false, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, true, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint }, true, false],
  [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: endpoint }, false, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_METRICS_EXPORTER: 'none' }, true, false],
  [{ OTEL_TRACES_EXPORTER: 'console' }, true, false],
  [{ OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }, false, false],
  [{ OTEL_CONFIG_FILE: 'otel.yaml' }, true, true],
  [{ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, false, false],
])('%j asks for traces: %s, metrics: %s', (env, traces, metrics) => {
  expect(wantedSignals(env)).toEqual({ traces, metrics })
})
