import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createWatchdog } from '#adapters/handlebars/watchdog.ts'

describe('the watchdog', () => {
  let current: number | undefined
  let overrun: number[]
  const open = () =>
    createWatchdog(200, { current: () => current, overrun: (number) => overrun.push(number) })

  beforeEach(() => {
    vi.useFakeTimers()
    current = undefined
    overrun = []
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('has no timer while there is nothing to watch', () => {
    const watchdog = open()
    expect(vi.getTimerCount()).toBe(0)
    current = 1
    watchdog.watch()
    watchdog.watch()
    expect(vi.getTimerCount()).toBe(1)
    current = undefined
    vi.advanceTimersByTime(50)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('names what was worked on all the time', () => {
    open().watch()
    current = 7
    vi.advanceTimersByTime(200)
    expect(overrun).toEqual([])
    vi.advanceTimersByTime(50)
    expect(overrun).toEqual([7])
  })

  test('is content while the work goes on', () => {
    open().watch()
    for (current = 1; current < 50; current++) vi.advanceTimersByTime(190)
    expect(overrun).toEqual([])
  })

  test('is content while nothing has begun', () => {
    open().watch()
    current = 0
    vi.advanceTimersByTime(10_000)
    expect(overrun).toEqual([])
  })
})
