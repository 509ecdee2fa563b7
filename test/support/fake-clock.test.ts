import { describe, expect, test } from 'vitest'
import { createFakeClock } from './fake-clock.ts'

describe('the fake clock', () => {
  test('wakes sleepers in order, each at its moment, and those they start', async () => {
    const clock = createFakeClock(1_000)
    const woken: [string, number][] = []
    const sleep = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms)
      woken.push([name, clock.now()])
    }
    void sleep('late', 300)
    void sleep('first', 100)
    void sleep('second', 100).then(() => sleep('chained', 150))
    await clock.advance(299)
    expect(woken).toEqual([
      ['first', 1_100],
      ['second', 1_100],
      ['chained', 1_250],
    ])
    await clock.advance(1)
    expect(woken.at(-1)).toEqual(['late', 1_300])
    expect(clock.monotonic()).toBe(300)
    expect(clock.sleeping()).toBe(0)
  })

  test('wakes who is told to stop, and jumps without waking anybody', async () => {
    const clock = createFakeClock(0)
    const stop = new AbortController()
    const sleeping = clock.sleep(100, stop.signal)
    clock.jump(-5_000)
    expect([clock.now(), clock.monotonic(), clock.sleeping()]).toEqual([-5_000, 0, 1])
    stop.abort()
    await sleeping
    await clock.sleep(100, stop.signal)
    expect(clock.sleeping()).toBe(0)
  })
})
