import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { Instrument } from '#ports/telemetry.ts'
import type { Registry, Series } from './registry.ts'

const attributesOf = ({ attributes: names }: Instrument, values: readonly string[]) =>
  Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']))

const tell = (result: BatchObservableResult, into: Observable, of: Instrument, series: Series) =>
  result.observe(into, series.value, attributesOf(of, series.attributes))

/** Tells a meter of the SDK all that the registry holds, whenever its reader asks. */
export const exportMetrics = (
  meter: Meter,
  registry: Registry,
  instruments: readonly Instrument[],
): void => {
  const observables = new Map<Instrument, Observable>()
  const histograms = new Map<Instrument, ReturnType<Meter['createHistogram']>>()
  for (const instrument of instruments) {
    const { name, unit, description, buckets } = instrument
    const options = { unit, description }
    if (instrument.kind === 'counter') {
      observables.set(instrument, meter.createObservableCounter(name, options))
    } else if (instrument.kind === 'gauge') {
      observables.set(instrument, meter.createObservableGauge(name, options))
    } else {
      const advice = { explicitBucketBoundaries: [...buckets!] }
      histograms.set(instrument, meter.createHistogram(name, { ...options, advice }))
    }
  }
  registry.onRecord = (instrument, value, attributes) =>
    histograms.get(instrument)?.record(value, attributesOf(instrument, attributes))
  meter.addBatchObservableCallback(
    async (result) => {
      for (const { instrument, series } of await registry.collect()) {
        const into = observables.get(instrument)
        if (into) for (const each of series) tell(result, into, instrument, each)
      }
    },
    [...observables.values()],
  )
}
