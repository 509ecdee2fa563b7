import type { GaugeSource, Instrument, Meters } from '#ports/telemetry.ts'

/** One combination of attributes of an instrument. */
export interface Series {
  readonly attributes: readonly string[]
  /** Counter: the sum. Gauge: how it stands. Histogram: the sum of what was observed. */
  value: number
  /** Histogram: observations per bucket, the last without an upper bound. */
  readonly counts: number[]
}

export interface Family {
  readonly instrument: Instrument
  readonly series: readonly Series[]
}

/** Told of each observation of a histogram; the rest can be read when it is wanted. */
export type OnRecord = (
  instrument: Instrument,
  value: number,
  attributes: readonly string[],
) => void

export interface Registry extends Meters {
  /** Looked at in turn by each `collect`. */
  readonly addSource: (source: GaugeSource) => void
  /**
   * How everything stands. Callers at the same time share one answer. A source that fails is left out and
   * told to `onFailure`.
   */
  readonly collect: () => Promise<readonly Family[]>
  onRecord: OnRecord | undefined
}

/** More combinations than this are a bug in an attribute: they are counted together as `other`. */
const seriesMax = 1_000

/** Sums in memory. Packages of OpenTelemetry are not needed for it, and not loaded. */
export const createRegistry = (
  instruments: readonly Instrument[],
  onFailure: (source: string, error: unknown) => void,
): Registry => {
  const families = new Map(instruments.map((each) => [each, new Map<string, Series>()]))
  const sources: GaugeSource[] = []
  let collecting: Promise<readonly Family[]> | undefined

  const seriesOf = (
    instrument: Instrument,
    attributes: readonly string[],
    into = families.get(instrument)!,
  ): Series => {
    const key = attributes.length === 1 ? attributes[0]! : attributes.join('\n')
    const known = into.get(key)
    if (known) return known
    if (into.size >= seriesMax && attributes.some((each) => each !== 'other')) {
      return seriesOf(
        instrument,
        attributes.map(() => 'other'),
        into,
      )
    }
    const counts = instrument.buckets ? new Array(instrument.buckets.length + 1).fill(0) : []
    const made: Series = { attributes, value: 0, counts }
    into.set(key, made)
    return made
  }

  // A counter that stands at nought is there from the start: its first increase would not be seen else.
  for (const instrument of instruments) {
    if (instrument.kind === 'counter' && instrument.attributes.length === 0)
      seriesOf(instrument, [])
  }

  const gauges = () => instruments.filter((each) => each.kind === 'gauge')

  const look = async (): Promise<readonly Family[]> => {
    const seen = new Map(gauges().map((each) => [each, new Map<string, Series>()]))
    /** A counter that somebody else keeps is told as it stands, too. */
    const observe = (instrument: Instrument, value: number, ...attributes: readonly string[]) => {
      seriesOf(instrument, attributes, seen.get(instrument) ?? families.get(instrument)!).value =
        value
    }
    for (const source of sources) {
      try {
        await source.observe(observe)
      } catch (error) {
        onFailure(source.name, error)
      }
    }
    for (const [instrument, series] of seen) families.set(instrument, series)
    return instruments.map((instrument) => ({
      instrument,
      series: [...families.get(instrument)!.values()],
    }))
  }

  const registry: Registry = {
    onRecord: undefined,
    add(instrument, value, ...attributes) {
      seriesOf(instrument, attributes).value += value
    },
    record(instrument, value, ...attributes) {
      const series = seriesOf(instrument, attributes)
      const bounds = instrument.buckets!
      let bucket = 0
      while (bucket < bounds.length && value > bounds[bucket]!) bucket += 1
      series.counts[bucket]! += 1
      series.value += value
      registry.onRecord?.(instrument, value, attributes)
    },
    addSource: (source) => void sources.push(source),
    collect() {
      collecting ??= look().finally(() => {
        collecting = undefined
      })
      return collecting
    },
  }
  return registry
}
