import { writeFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { VersionConflict } from '#ports/errors.ts'
import type { EventStore, Expected, NewEvent } from '#ports/event-store.ts'
import { fullEvent, newEvent, newEvents, newStream, readLog } from '../../contracts/log-samples.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { startChild } from './child.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

const odd = (): NewEvent =>
  newEvent({
    data: {
      absent: undefined,
      list: [undefined, { deep: undefined }],
      date: new Date(0),
      zero: -0,
      none: Number.NaN,
      proto: JSON.parse('{"__proto__":1}'),
    },
    personal: { name: undefined },
  })

describe('what the log remembers', () => {
  test('equals what is read from the file', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('log.db')
    const [one, two] = [newStream(), newStream()]
    await using store = await openSqliteEventStore({ path, mode: 'write' })
    await store.append(one, [odd(), fullEvent(), newEvent()], { expected: 'no-stream' })
    await store.append(two, [fullEvent(), odd()], { expected: 'no-stream' })
    await store.append(one, [odd()], { expected: 2 })
    await using file = await openSqliteEventStore({ path, mode: 'read-only' })
    expect(await store.read(one)).toStrictEqual(await file.read(one))
    expect(await store.read(two, { after: 0 })).toStrictEqual(await file.read(two, { after: 0 }))
    expect(await readLog(store, undefined)).toStrictEqual(await readLog(file, undefined))
    expect(JSON.stringify(await store.read(one))).toBe(JSON.stringify(await file.read(one)))
  })

  test('gives way to the file beyond its bounds', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('log.db')
    await using store = await openSqliteEventStore({ path, mode: 'write' })
    const streams = Array.from({ length: 30 }, newStream)
    // 30,000 events: more than the newest events and the recent streams hold together.
    for (const stream of streams)
      await store.append(stream, newEvents(1_000), { expected: 'no-stream' })
    const small = Array.from({ length: 100 }, newStream)
    for (const stream of small) await store.append(stream, newEvents(4), { expected: 'no-stream' })
    await using file = await openSqliteEventStore({ path, mode: 'read-only' })
    const all = await readLog(store, undefined)
    expect(all).toHaveLength(30_400)
    expect(all).toStrictEqual(await readLog(file, undefined))
    for (const stream of [...streams.slice(0, 3), ...small.slice(0, 3)]) {
      expect(await store.read(stream)).toStrictEqual(await file.read(stream))
      expect(await store.read(stream, { after: 2 })).toStrictEqual(
        await file.read(stream, { after: 2 }),
      )
    }
    const last = await store.append(streams[0] ?? '', newEvents(1), { expected: 999 })
    expect(last.revision).toBe(1_000)
  })

  test('is forgotten when another process wrote in spite of the lock', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('log.db')
    const stream = newStream()
    await using store = await openSqliteEventStore({ path, mode: 'write' })
    await store.append(stream, newEvents(1), { expected: 'no-stream' })
    {
      await using other = await openSqliteEventStore({ path, mode: 'write' })
      await other.append(stream, newEvents(1), { expected: 0 })
    }
    const append = (expected: Expected) => store.append(stream, newEvents(1), { expected })
    await expect(append(0)).rejects.toThrow(VersionConflict)
    expect(await store.read(stream)).toHaveLength(2)
    expect(await append(1)).toEqual({ revision: 2, position: '3' })
    expect(await readLog(store, undefined)).toHaveLength(3)
  })

  const calls = fc.array(
    fc.record({
      stream: fc.integer({ min: 0, max: 3 }),
      events: fc.integer({ min: 1, max: 4 }),
      // From the revision that the stream has by then: 0 is right, the rest stale or ahead.
      off: fc.constantFrom(0, 0, 0, 0, -1, -2, 1),
      retry: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
      together: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  )

  const run = async (
    store: EventStore,
    plan: readonly { stream: string; events: readonly NewEvent[]; expected: Expected }[][],
  ): Promise<unknown> => {
    const outcomes: unknown[] = []
    for (const together of plan) {
      const settled = await Promise.allSettled(
        together.map(({ stream, events, expected }) => store.append(stream, events, { expected })),
      )
      for (const one of settled)
        outcomes.push(one.status === 'fulfilled' ? one.value : String(one.reason))
      for (const { stream } of together) outcomes.push(await store.read(stream, { after: 0 }))
    }
    for (const { stream } of plan.flat()) outcomes.push(await store.read(stream))
    outcomes.push(await readLog(store, undefined, 3), await store.head())
    return outcomes
  }

  test('is what the memory log would say, whatever is appended and retried', async () => {
    await using folder = await openTemporaryFolder()
    let run_ = 0
    await fc.assert(
      fc.asyncProperty(calls, async (chosen) => {
        const names = Array.from({ length: 4 }, newStream)
        const heights = [0, 0, 0, 0]
        const plan: { stream: string; events: readonly NewEvent[]; expected: Expected }[][] = []
        for (const { stream, events, off, retry, together } of chosen) {
          const earlier = retry === undefined ? undefined : plan.flat().at(-1 - retry)
          const revision = (heights[stream] ?? 0) - 1 + off
          const call = earlier ?? {
            stream: names[stream] ?? '',
            events: newEvents(events),
            expected: revision < 0 ? ('no-stream' as const) : revision,
          }
          if (earlier === undefined && off === 0) heights[stream] = (heights[stream] ?? 0) + events
          if (together && plan.length > 0) plan.at(-1)?.push(call)
          else plan.push([call])
        }
        const path = folder.file(`log-${run_++}.db`)
        await using memory = createMemoryEventStore()
        await using sqlite = await openSqliteEventStore({ path, mode: 'write' })
        const expected = await run(memory, plan)
        expect(await run(sqlite, plan)).toEqual(expected)
        await using file = await openSqliteEventStore({ path, mode: 'read-only' })
        expect(await readLog(file, undefined)).toEqual(await readLog(memory, undefined))
      }),
      { numRuns: 60 },
    )
  })
})

describe('a log beside the process that writes it', () => {
  test('is read while another process appends', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('log.db')
    await using child = startChild('append-forever.ts', path)
    const printed: string[] = []
    for await (const line of child.lines) {
      printed.push(line)
      if (printed.length < 500) continue
      await using reader = await openSqliteEventStore({ path, mode: 'read-only' })
      const ids = new Set((await readLog(reader, undefined)).map(({ id }) => id))
      expect(printed.filter((one) => !ids.has(one.split(' ')[3] ?? ''))).toEqual([])
      const late = reader.append(newStream(), newEvents(1), { expected: 'no-stream' })
      await expect(late).rejects.toMatchObject({ code: 'store/read-only' })
      break
    }
  })

  test('is asked again five times a second by who follows it', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('log.db')
    const clock = createFakeClock()
    await using store = await openSqliteEventStore({ path, mode: 'write' })
    await using reader = await openSqliteEventStore({ path, mode: 'read-only', clock })
    const got: string[] = []
    const stop = new AbortController()
    const done = (async () => {
      for await (const page of reader.subscribe({ signal: stop.signal }))
        got.push(...page.events.map(({ position }) => position))
    })()
    await clock.advance(200)
    await store.append(newStream(), newEvents(2), { expected: 'no-stream' })
    await clock.advance(199)
    expect(got).toEqual([])
    await clock.advance(1)
    expect(got).toEqual(['1', '2'])
    stop.abort()
    await done
  })

  test('is copied while it is written', async () => {
    await using folder = await openTemporaryFolder()
    await using store = await openSqliteEventStore({ path: folder.file('log.db'), mode: 'write' })
    for (let at = 0; at < 20; at++)
      await store.append(newStream(), newEvents(1_000), { expected: 'no-stream' })
    const before = await readLog(store, undefined)
    let copied = false
    const copying = store.backup(folder.file('copy.db')).then(() => {
      copied = true
    })
    while (!copied) await store.append(newStream(), newEvents(3), { expected: 'no-stream' })
    await copying
    await using copy = await openSqliteEventStore({ path: folder.file('copy.db'), mode: 'write' })
    expect(copy.logId).toBe(store.logId)
    expect(await readLog(copy, undefined)).toEqual(before)
    await writeFile(folder.file('taken'), '')
    await expect(store.backup(folder.file('taken'))).rejects.toThrow(RangeError)
  })
})
