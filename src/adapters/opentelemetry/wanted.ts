export type Env = Readonly<Record<string, string | undefined>>

const isSet = (env: Env, name: string): boolean => (env[name] ?? '') !== ''

const wants = (env: Env, signal: 'TRACES' | 'METRICS'): boolean => {
  const exporter = env[`OTEL_${signal}_EXPORTER`] ?? ''
  if (exporter !== '') return exporter !== 'none'
  return (
    isSet(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') || isSet(env, `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`)
  )
}

/** What the standard variables of OpenTelemetry ask for. Nothing at all: the SDK is not even loaded. */
export const wantedSignals = (
  env: Env,
): { readonly traces: boolean; readonly metrics: boolean } => {
  if (env.OTEL_SDK_DISABLED === 'true') return { traces: false, metrics: false }
  // Its file says it all.
  if (isSet(env, 'OTEL_CONFIG_FILE')) return { traces: true, metrics: true }
  return { traces: wants(env, 'TRACES'), metrics: wants(env, 'METRICS') }
}
