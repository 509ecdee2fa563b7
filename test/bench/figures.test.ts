import { describe, expect, test } from 'vitest'
import { figuresLine, median, percentile, perSecond, rounded } from '../../bench/figures.ts'
import { parseBenchArgs } from '../../bench/options.ts'
import { parseCpuMs, parseRssMb } from '../../bench/process-figures.ts'

describe('a percentile', () => {
  test('is the smallest value that the share of all values do not exceed', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(percentile(values, 0.5)).toBe(50)
    expect(percentile(values, 0.99)).toBe(99)
    expect(percentile(values, 1)).toBe(100)
  })
  test('of one value is that value', () => expect(percentile([7], 0.99)).toBe(7))
  test('of nothing is no number', () => expect(percentile([], 0.5)).toBeNaN())
})

describe('a median', () => {
  test('is the one in the middle', () => expect(median([9, 1, 5])).toBe(5))
  test('lies between two in the middle', () => expect(median([1, 2, 4, 9])).toBe(3))
})

describe('a rate', () => {
  test('is per second', () => expect(perSecond(50, 250)).toBe(200))
})

describe('the line of figures', () => {
  test('has every figure, rounded to what can be measured', () => {
    const figures = {
      acceptPerSecond: 2_597.4,
      acceptP50Ms: 2.4912,
      acceptP99Ms: 17.861,
      endToEndPerSecond: 2_321.2,
      replayEventsPerSecond: 77_075.9,
      rssMb: 550.2,
      idleCpuPercent: 0.6123,
      bytesPerNotification: 3_630.4,
      synchronous: 2,
    }
    expect(JSON.parse(figuresLine(figures))).toEqual({
      acceptPerSecond: 2_597,
      acceptP50Ms: 2.49,
      acceptP99Ms: 17.86,
      endToEndPerSecond: 2_321,
      replayEventsPerSecond: 77_076,
      rssMb: 550,
      idleCpuPercent: 0.61,
      bytesPerNotification: 3_630,
      synchronous: 2,
    })
    expect(rounded(99.999)).toBe(100)
  })
  test('says of what was not measured that it was not', () =>
    expect(figuresLine({ synchronous: Number.NaN })).toBe('{"synchronous":null}'))
})

describe('a process', () => {
  test('has its memory in its status', () =>
    expect(parseRssMb('Name:\tnode\nVmRSS:\t  204800 kB\n')).toBe(200))
  test('has its time after a name that may hold anything', () => {
    const stat = '42 (a ) name) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 11 0'
    expect(parseCpuMs(stat)).toBe(2_000)
  })
  test('that says nothing has no memory', () => expect(parseRssMb('')).toBeNaN())
})

describe('the options', () => {
  test('take the number of notifications', () =>
    expect(parseBenchArgs(['--notifications', '500']).size.notifications).toBe(500))
  test('measure less on a cluster, and fill its log first', () => {
    const [own, cluster] = [parseBenchArgs([]), parseBenchArgs(['--cluster'])]
    expect(cluster.size.notifications).toBeLessThan(own.size.notifications)
    expect([own.preload, parseBenchArgs(['--cluster', '--preload', '8']).preload]).toEqual([0, 8])
    expect(cluster.preload).toBeGreaterThan(0)
  })
  test.each(['-1', 'many', '1.5', ''])('refuse %s', (text) =>
    expect(() => parseBenchArgs([`--notifications=${text}`])).toThrow(RangeError),
  )
})
