import { describe, expect, test } from 'vitest'
import { prometheusName, prometheusText } from '#adapters/opentelemetry/prometheus-text.ts'
import { createRegistry } from '#adapters/opentelemetry/registry.ts'
import type { Instrument } from '#ports/telemetry.ts'

const declare = (over: Partial<Instrument>): Instrument => ({
  ...{ name: 'test.things', kind: 'counter', unit: '{thing}', description: 'Things.' },
  ...{ attributes: ['test.kind'], of: 'own' },
  ...over,
})
const things = declare({})
const level = declare({ name: 'test.level', kind: 'gauge', unit: '1', attributes: [] })
const spent = declare({
  ...{ name: 'test.spent', kind: 'histogram', unit: 's', attributes: [] },
  buckets: [0.1, 1],
})

const open = () => {
  const failures: string[] = []
  const registry = createRegistry([things, level, spent], (source) => void failures.push(source))
  return { registry, failures, text: async () => prometheusText(await registry.collect()) }
}

describe('the text for Prometheus', () => {
  test('has counters, gauges and histograms', async () => {
    const { registry, text } = open()
    registry.add(things, 2, 'a')
    registry.add(things, 1, 'b')
    registry.add(things, 1, 'a')
    for (const value of [0.05, 0.1, 0.5, 7]) registry.record(spent, value)
    registry.addSource({ name: 'level', observe: (observe) => observe(level, 0.25) })
    expect(await text()).toBe(`# HELP test_things_total Things.
# TYPE test_things_total counter
test_things_total{test_kind="a"} 3
test_things_total{test_kind="b"} 1
# HELP test_level_ratio Things.
# TYPE test_level_ratio gauge
test_level_ratio 0.25
# HELP test_spent_seconds Things.
# TYPE test_spent_seconds histogram
test_spent_seconds_bucket{le="0.1"} 2
test_spent_seconds_bucket{le="1"} 3
test_spent_seconds_bucket{le="+Inf"} 4
test_spent_seconds_sum 7.65
test_spent_seconds_count 4
`)
  })

  test('escapes what would break a line', async () => {
    const { registry, text } = open()
    registry.add(things, 1, 'a"b\\c\nd')
    expect(await text()).toContain('test_things_total{test_kind="a\\"b\\\\c\\nd"} 1\n')
  })

  test.each([
    ['x.size', 'gauge', 'By', 'x_size_bytes'],
    ['x.time', 'counter', 's', 'x_time_seconds_total'],
    ['x.count', 'counter', '1', 'x_count_total'],
  ] as const)('names %s (%s, %s) %s', (name, kind, unit, expected) => {
    expect(prometheusName(declare({ name, kind, unit }))).toBe(expected)
  })
})

describe('the registry', () => {
  test('forgets how a gauge stood: what is not told any more is not there', async () => {
    const { registry, text } = open()
    let stands = true
    registry.addSource({ name: 'level', observe: (tell) => (stands ? tell(level, 1) : undefined) })
    expect(await text()).toContain('test_level_ratio 1')
    stands = false
    expect(await text()).not.toContain('test_level_ratio')
  })

  test('leaves out a source that fails, and says so', async () => {
    const { registry, failures, text } = open()
    registry.addSource({ name: 'broken', observe: () => Promise.reject(new Error('gone')) })
    registry.addSource({ name: 'level', observe: (observe) => observe(level, 1) })
    expect(await text()).toContain('test_level_ratio 1')
    expect(failures).toEqual(['broken'])
  })

  test('looks once for all who ask at the same time', async () => {
    const { registry } = open()
    const looks: number[] = []
    registry.addSource({ name: 'level', observe: () => void looks.push(1) })
    await Promise.all([registry.collect(), registry.collect(), registry.collect()])
    expect(looks).toEqual([1])
  })

  test('does not grow without end', async () => {
    const { registry } = open()
    for (let each = 0; each < 3_000; each += 1) registry.add(things, 1, `kind-${each}`)
    const { series } = (await registry.collect())[0]!
    expect(series.length).toBeLessThanOrEqual(1_001)
    expect(series.reduce((sum, each) => sum + each.value, 0)).toBe(3_000)
    expect(series.at(-1)!.attributes).toEqual(['other'])
  })
})
