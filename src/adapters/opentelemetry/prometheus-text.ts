import type { Instrument } from '#ports/telemetry.ts'
import type { Family, Series } from './registry.ts'

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

const units: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', '1': '_ratio' }

const plain = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_')

/** As OpenTelemetry's compatibility rules have it, and so as a collector names it too. */
export const prometheusName = ({ name, unit, kind }: Instrument): string => {
  // A ratio is a gauge's unit; of a counter, 1 says nothing.
  const suffix = unit === '1' && kind !== 'gauge' ? '' : (units[unit] ?? '')
  const named = plain(name)
  const whole = named.endsWith(suffix) ? named : named + suffix
  return kind === 'counter' ? `${whole}_total` : whole
}

/** The names that samples of an instrument have. */
export const sampleNames = (instrument: Instrument): readonly string[] => {
  const name = prometheusName(instrument)
  if (instrument.kind !== 'histogram') return [name]
  return [`${name}_bucket`, `${name}_sum`, `${name}_count`]
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"')

const labelsOf = ({ attributes }: Instrument, series: Series): string[] =>
  attributes.map((name, at) => `${plain(name)}="${escapeLabel(series.attributes[at] ?? '')}"`)

const sample = (name: string, labels: readonly string[], value: number): string =>
  `${name}${labels.length > 0 ? `{${labels.join(',')}}` : ''} ${value}\n`

const histogram = (instrument: Instrument, series: Series): string => {
  const name = prometheusName(instrument)
  const labels = labelsOf(instrument, series)
  let count = 0
  const buckets = series.counts.map((each, at) => {
    count += each
    const bound = instrument.buckets![at]
    return sample(`${name}_bucket`, [...labels, `le="${bound ?? '+Inf'}"`], count)
  })
  return `${buckets.join('')}${sample(`${name}_sum`, labels, series.value)}${sample(`${name}_count`, labels, count)}`
}

const familyText = ({ instrument, series }: Family): string => {
  if (series.length === 0) return ''
  const name = prometheusName(instrument)
  const lines = series.map((each) =>
    instrument.kind === 'histogram'
      ? histogram(instrument, each)
      : sample(name, labelsOf(instrument, each), each.value),
  )
  const head = `# HELP ${name} ${escapeHelp(instrument.description)}\n# TYPE ${name} ${instrument.kind}\n`
  return head + lines.join('')
}

/** Prometheus' text format 0.0.4. Loading the SDK's exporter for it would take 30 MB. */
export const prometheusText = (families: readonly Family[]): string =>
  families.map(familyText).join('')
