import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { loadStanding, refuseUnfitLog } from '#handlers/log-standing.ts'
import type { EventStore, NewEvent } from '#ports/event-store.ts'
import { newEvent } from '../contracts/log-samples.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { amongOthers, foreignStream } from '../support/log-among-others.ts'
import { contentsOf, copy, fill, filledLog } from '../support/logs-to-copy.ts'
import { readLog } from '../support/open-service.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

class Killed extends Error {}

/** Fails for good with its n-th append: before it is written, or when it is and nobody is told. */
const dyingAt = (events: EventStore, nth: number, when: 'before' | 'after'): EventStore => {
  let appends = 0
  return Object.create(events, {
    append: {
      value: async (...call: Parameters<EventStore['append']>) => {
        appends += 1
        if (appends > nth || (appends === nth && when === 'before')) throw new Killed()
        const appended = await events.append(...call)
        if (appends >= nth) throw new Killed()
        return appended
      },
    },
  })
}

/** A log that gives out other events than are in it. */
const altered = (events: EventStore, alter: (event: NewEvent & { revision: number }) => object) => {
  const readAll: EventStore['readAll'] = async (options) => {
    const page = await events.readAll(options)
    return { ...page, events: page.events.map((each) => ({ ...each, ...alter(each) })) }
  }
  return Object.create(events, { readAll: { value: readAll } }) as EventStore
}

describe('a copy of a log', () => {
  test('holds every event with its id, revision, time and content', async () => {
    const source = await filledLog(2_500)
    const target = createMemoryEventStore()
    const report = await copy(source, target)
    const there = await contentsOf(source)
    expect(await contentsOf(target)).toEqual(there)
    expect(report).toMatchObject({
      ...{ from: source.logId, to: target.logId, streams: there.size, finished: false },
      events: [...there.values()].flat().length,
    })
  })

  test('keeps the order of events that are a page apart', async () => {
    const source = await filledLog(3_000)
    const target = createMemoryEventStore()
    await copy(source, target)
    const places = new Map((await readLog(target)).map(({ id }, index) => [id, index]))
    const order = (await readLog(source)).flatMap(({ id }) => places.get(id) ?? [])
    const early = order.flatMap((place, index) =>
      order.slice(index + 1_000).some((later) => later < place) ? [index] : [],
    )
    expect(early).toEqual([])
  })

  test('leaves out what the source tells of itself', async () => {
    const source = await filledLog(300)
    const target = createMemoryEventStore()
    await copy(source, target)
    expect(await source.read('pabal-recovery')).not.toEqual([])
    expect(await target.read('pabal-recovery')).toEqual([])
  })

  test('asks no more of a log at once than a server takes', async () => {
    const source = createMemoryEventStore()
    // 1,000 events of a stream are one page; each letter takes three bytes.
    const events = Array.from({ length: 40 }, () =>
      newEvent({ data: { text: '파'.repeat(30_000) } }),
    )
    await source.append('notification-1', events, { expected: 'no-stream' })
    const target = createMemoryEventStore()
    const sizes: number[] = []
    const measured: EventStore = Object.create(target, {
      append: {
        value: (...call: Parameters<EventStore['append']>) => {
          sizes.push(Buffer.byteLength(JSON.stringify(call[1])))
          return target.append(...call)
        },
      },
    })
    await copy(source, measured)
    expect(Math.max(...sizes)).toBeLessThan(1_048_576)
    expect(await contentsOf(target)).toEqual(await contentsOf(source))
  })

  test('finds what lies behind pages in which nothing is ours, and is resumed at what is', async () => {
    const log = createMemoryEventStore()
    const foreign = (count: number) => Array.from({ length: count }, () => newEvent())
    await log.append(foreignStream, foreign(1_000), { expected: 'no-stream' })
    await log.append(foreignStream, foreign(1_000), { expected: 999 })
    await fill(log, 500)
    const last = (await readLog(log)).at(-1)!.position
    await log.append(foreignStream, foreign(1_000), { expected: 1_999 })
    await log.append(foreignStream, foreign(1_000), { expected: 2_999 })
    const source = amongOthers(log)
    const target = createMemoryEventStore()
    await copy(source, target)
    expect((await loadStanding(target))?.copy?.position).toBe(last)
    await log.append('app-shop', [newEvent({ type: 'AppCreated' })], { expected: 'no-stream' })
    expect(await copy(source, target, { finish: true })).toMatchObject({ copied: 1 })
    expect(await contentsOf(target)).toEqual(await contentsOf(source))
  })

  test('brings what came since when it is repeated', async () => {
    const source = await filledLog(1_500)
    const target = createMemoryEventStore()
    await copy(source, target)
    await source.append('app-shop', [newEvent({ type: 'AppCreated' })], { expected: 'no-stream' })
    expect(await copy(source, target)).toMatchObject({ copied: 1 })
    expect(await contentsOf(target)).toEqual(await contentsOf(source))
  })

  test('of an empty log is an empty log', async () => {
    const target = createMemoryEventStore()
    const report = await copy(createMemoryEventStore(), target, { finish: true })
    expect(report).toMatchObject({ events: 0, streams: 0, finished: true })
  })

  const kills = [1, 2, 3, 30, 51, 52, 60, 101, 120].flatMap((nth) => [
    [nth, 'before'] as const,
    [nth, 'after'] as const,
  ])
  test.each(kills)('that was killed at append %i, %s it, goes on', async (nth, when) => {
    const source = await filledLog(2_500)
    const target = createMemoryEventStore()
    await expect(copy(source, dyingAt(target, nth, when))).rejects.toThrow(Killed)
    // Meanwhile the source goes on: pages end elsewhere than the first time.
    const { revision } = (await source.read('notification-1')).at(-1)!
    await source.append('notification-1', [newEvent()], { expected: revision })
    await copy(source, target, { finish: true })
    expect(await contentsOf(target)).toEqual(await contentsOf(source))
  })

  test('repeats no more than what came after its last mark', async () => {
    const source = createMemoryEventStore()
    await fill(source, 60_000, 3_000)
    const target = createMemoryEventStore()
    let appends = 0
    const counting: EventStore = Object.create(target, {
      append: {
        value: (...call: Parameters<EventStore['append']>) => {
          appends += call[1].length
          return target.append(...call)
        },
      },
    })
    // It dies when what follows the mark comes: of 60,000 events 50,000 and some are marked.
    let killed = false
    const dying: EventStore = Object.create(target, {
      append: {
        value: async (...call: Parameters<EventStore['append']>) => {
          killed ||= ((await loadStanding(target))?.copy?.position ?? '') !== ''
          if (killed) throw new Killed()
          return target.append(...call)
        },
      },
    })
    await expect(copy(source, dying)).rejects.toThrow(Killed)
    await copy(source, counting)
    expect(appends).toBeLessThan(11_000)
    expect((await contentsOf(target)).size).toBe((await contentsOf(source)).size)
  })

  test('into a data directory and back is the same log', async () => {
    using directory = temporaryDirectory()
    await using file = await openSqliteEventStore({
      path: `${directory.path}/events.db`,
      mode: 'write',
    })
    const source = await filledLog(1_200)
    const there = await copy(source, file, { finish: true })
    const back = createMemoryEventStore()
    expect((await copy(file, back, { finish: true })).hash).toBe(there.hash)
    expect(await contentsOf(back)).toEqual(await contentsOf(source))
  })
})

describe('a copy is refused', () => {
  const refused = async (copying: Promise<unknown>, code: string) =>
    expect(copying).rejects.toMatchObject({ code })

  test('into a log that holds something else', async () => {
    await refused(copy(await filledLog(10), await filledLog(10)), 'log/not-empty')
  })

  test('into the copy of another log', async () => {
    const target = createMemoryEventStore()
    await copy(await filledLog(10), target)
    await refused(copy(await filledLog(10), target), 'log/other-source')
  })

  test('into itself', async () => {
    const log = await filledLog(10)
    await refused(copy(log, log), 'log/same')
  })

  test('into a copy that was finished, for it may have gone on since', async () => {
    const source = await filledLog(10)
    const target = createMemoryEventStore()
    await copy(source, target, { finish: true })
    await refused(copy(source, target), 'log/finished')
  })

  test('to a second place, once the log was moved; but it may be looked at', async () => {
    const source = await filledLog(10)
    await copy(source, createMemoryEventStore(), { finish: true })
    const second = createMemoryEventStore()
    await refused(copy(source, second, { finish: true }), 'log/sealed')
    expect(await readLog(second)).toEqual([])
    expect(await copy(source, second)).toMatchObject({ finished: false })
    await refused(refuseUnfitLog(second), 'log/unfinished-copy')
  })

  test('as a move of a copy that was not finished itself', async () => {
    const middle = createMemoryEventStore()
    await copy(await filledLog(10), middle)
    await refused(copy(middle, createMemoryEventStore(), { finish: true }), 'log/unfinished-copy')
  })
})

describe('the comparison', () => {
  const differs = async (alter: Parameters<typeof altered>[1], stream: string) => {
    const source = await filledLog(1_200)
    const target = createMemoryEventStore()
    const copying = copy(source, altered(target, alter), { finish: true })
    await expect(copying).rejects.toMatchObject({ code: 'log/differs' })
    await expect(copying).rejects.toThrow(stream)
    // Neither side was closed or opened for it.
    await expect(refuseUnfitLog(source)).resolves.toBeUndefined()
    await expect(refuseUnfitLog(target)).rejects.toMatchObject({ code: 'log/unfinished-copy' })
  }
  const victim = (event: NewEvent) => event.data.index === 500
  const stream = `notification-${(500 * 7 + (500 % 11)) % 50}`
  const { metadata } = newEvent()

  test.each<[string, (event: NewEvent) => object]>([
    ['content', (event) => ({ data: { ...event.data, index: 501 } })],
    ['personal data', () => ({ personal: { to: 'somebody@example.org' } })],
    ['id', () => ({ id: randomUUID() })],
    ['type', () => ({ type: 'NotificationParked' })],
    ['time', () => ({ metadata: { ...metadata, at: '2020-01-01T00:00:00.000Z' } })],
    ['actor', (event) => ({ metadata: { ...event.metadata, actor: 'cli' } })],
  ])('finds another %s, and names the stream', (_what, alter) =>
    differs((event) => (victim(event) ? alter(event) : {}), stream),
  )

  test('finds a stream that should not be there', async () => {
    const source = await filledLog(100)
    const target = createMemoryEventStore()
    await copy(source, target)
    await target.append('recipient-stranger', [newEvent()], { expected: 'no-stream' })
    await expect(copy(source, target)).rejects.toThrow('recipient-stranger (extra)')
  })

  test('finds events of another history already while copying', async () => {
    const source = await filledLog(100)
    const target = createMemoryEventStore()
    await target.append(
      'pabal-copy',
      [newEvent({ type: 'LogCopyStarted', data: { from: source.logId } })],
      {
        expected: 'no-stream',
      },
    )
    await target.append('notification-1', [newEvent()], { expected: 'no-stream' })
    await expect(copy(source, target)).rejects.toMatchObject({ code: 'log/diverged' })
  })
})

describe('a log whose service nobody could lock out', () => {
  const withLateWriter = async (writesAfterMs: number) => {
    const source = await filledLog(20)
    const target = createMemoryEventStore()
    const clock = createFakeClock()
    const moving = copy(source, target, { finish: true, settleMs: 10_000 }, clock)
    const settled = Promise.allSettled([moving])
    await clock.advance(writesAfterMs)
    await source.append('recipient-late', [newEvent()], { expected: 'no-stream' })
    await clock.advance(30_000)
    const [result] = await settled
    return { result, source, target }
  }

  test('is waited for: what was written while it stopped is taken along', async () => {
    const { result, source, target } = await withLateWriter(5_000)
    expect(result).toMatchObject({ status: 'fulfilled', value: { finished: true } })
    expect(await contentsOf(target)).toEqual(await contentsOf(source))
  })

  test('is not moved while something still writes to it', async () => {
    const { result, source, target } = await withLateWriter(15_000)
    expect(result).toMatchObject({ reason: { code: 'log/still-written' } })
    await expect(refuseUnfitLog(target)).rejects.toMatchObject({ code: 'log/unfinished-copy' })
    // Once it is quiet, the same order brings it to its end.
    expect(await copy(source, target, { finish: true })).toMatchObject({ finished: true })
    expect(await contentsOf(target)).toEqual(await contentsOf(source))
  })
})
