import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { shareLog } from '#handlers/shared-log.ts'
import type { EventStore, LogPage, RecordedEvent } from '#ports/event-store.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await nextTurn()
}

const pageEvents = 2_000
const eventsOf = (number: number): RecordedEvent[] =>
  Array.from({ length: pageEvents }, (_, index) => {
    const position = `${number - 1 + (index + 1) / pageEvents}`
    return { position } as RecordedEvent
  })

/** A log of numbered pages: page `7` ends at position `7`, and half of it at `6.5`. */
const createLog = (pages: number) => {
  const begun: (string | undefined)[] = []
  let ended = 0
  let read = 0
  let failure: Error | undefined
  let grown = Promise.withResolvers<void>()
  let count = pages
  const wake = () => {
    grown.resolve()
    grown = Promise.withResolvers()
  }
  async function* subscribe({ after, signal }: Parameters<EventStore['subscribe']>[0]) {
    begun.push(after)
    signal.addEventListener('abort', wake)
    try {
      const isNew = ({ position }: RecordedEvent) => Number(position) > Number(after ?? 0)
      for (let number = Math.floor(Number(after ?? 0)) + 1; !signal.aborted; ) {
        if (failure) throw failure
        if (number > count) {
          await grown.promise
          continue
        }
        read += 1
        const page: LogPage = {
          events: eventsOf(number).filter(isNew),
          checkpoint: `${number}`,
          atHead: number === count,
        }
        number += 1
        yield page
      }
    } finally {
      ended += 1
    }
  }
  const log: Pick<EventStore, 'subscribe' | 'comparePositions'> = {
    subscribe,
    comparePositions: (a, b) => Number(a) - Number(b),
  }
  return {
    events: log as EventStore,
    begun,
    get ended() {
      return ended
    },
    get read() {
      return read
    },
    grow(more: number) {
      count += more
      wake()
    },
    fail(error: Error) {
      failure = error
      wake()
    },
  }
}

const openShared = (pages: number, limit = pageEvents) => {
  const log = createLog(pages)
  const clock = createFakeClock()
  const shared = shareLog(log.events, clock)
  const follow = (after?: string) => {
    const stop = new AbortController()
    const options = { limit, signal: stop.signal, ...(after !== undefined && { after }) }
    const pages = shared.subscribe(options)[Symbol.asyncIterator]()
    const take = async (count: number): Promise<readonly string[]> => {
      const taken: string[] = []
      while (taken.length < count) taken.push((await pages.next()).value!.checkpoint)
      return taken
    }
    return { pages, take, stop }
  }
  return { log, clock, follow }
}

const upTo = (last: number, first = 1): readonly string[] =>
  Array.from({ length: last - first + 1 }, (_, index) => `${first + index}`)

describe('a shared log', () => {
  test('is read once for all who stand at the same place, and each hears everything', async () => {
    const { log, follow } = openShared(5)
    const [one, two] = [follow(), follow()]
    const taken = await Promise.all([one.take(5), two.take(5)])
    expect(taken).toEqual([upTo(5), upTo(5)])
    expect(log).toMatchObject({ begun: [undefined], read: 5 })
  })

  test('is read only a few pages ahead of the slowest, for whom the others wait', async () => {
    const { log, follow } = openShared(100)
    const [fast, slow] = [follow(), follow()]
    await Promise.all([slow.take(1), fast.take(1)])
    await fast.take(4)
    const next = fast.take(1)
    await turns()
    expect(log.read).toBe(5)
    await slow.take(1)
    expect(await next).toEqual(['6'])
  })

  test('goes on without one who stands still, who then reads for himself and misses nothing', async () => {
    const { log, clock, follow } = openShared(100)
    const [fast, slow] = [follow(), follow()]
    await Promise.all([slow.take(1), fast.take(1)])
    await fast.take(4)
    const next = fast.take(1)
    await turns()
    await clock.advance(1_000)
    expect(await next).toEqual(['6'])
    expect(await slow.take(5)).toEqual(upTo(6, 2))
    expect(log.begun).toEqual([undefined, '1'])
  })

  test('is read for himself by one who stands elsewhere, until he comes to the others', async () => {
    const { log, follow } = openShared(6)
    const [one, late] = [follow('3'), follow()]
    expect(await one.take(3)).toEqual(upTo(6, 4))
    expect(await late.take(6)).toEqual(upTo(6))
    log.grow(2)
    expect(await late.take(2)).toEqual(['7', '8'])
    expect(await one.take(2)).toEqual(['7', '8'])
    expect(log).toMatchObject({ begun: ['3', undefined], ended: 1 })
  })

  test('has what was read a moment ago for one who comes late', async () => {
    const { log, follow } = openShared(2)
    await follow().take(2)
    expect(await follow().take(2)).toEqual(upTo(2))
    expect(log.begun).toEqual([undefined])
  })

  test('is joined in the middle of a page, and begins after that place', async () => {
    const { log, follow } = openShared(2)
    const one = follow()
    await one.take(2)
    const late = follow('0.75')
    const { value } = await late.pages.next()
    expect(value).toMatchObject({ checkpoint: '1', atHead: false })
    expect(value!.events).toEqual(eventsOf(1).slice(0.75 * pageEvents))
    expect(await late.take(1)).toEqual(['2'])
    log.grow(1)
    expect(await Promise.all([one.take(1), late.take(1)])).toEqual([['3'], ['3']])
    expect(log).toMatchObject({ begun: [undefined], read: 3 })
  })

  test('gives what has come in the meantime as one page', async () => {
    const { follow } = openShared(9, 5 * pageEvents)
    const one = follow()
    await one.take(1)
    await turns()
    const { value } = await one.pages.next()
    expect(value!.events).toEqual(upTo(5, 2).flatMap((number) => eventsOf(Number(number))))
    expect(value).toMatchObject({ checkpoint: '5', atHead: false })
  })

  test('is at its head only where nothing more was read', async () => {
    const { log, follow } = openShared(2)
    const [fast, slow] = [follow(), follow()]
    await Promise.all([slow.take(1), fast.take(2)])
    log.grow(1)
    await fast.take(1)
    expect((await slow.pages.next()).value).toMatchObject({ checkpoint: '2', atHead: false })
    expect((await slow.pages.next()).value).toMatchObject({ checkpoint: '3', atHead: true })
  })

  test('lets each go by himself, and is closed after the last', async () => {
    const { log, follow } = openShared(2)
    const [one, two] = [follow(), follow()]
    await Promise.all([one.take(2), two.take(2)])
    const waiting = one.pages.next()
    one.stop.abort()
    expect(await waiting).toMatchObject({ done: true })
    log.grow(1)
    expect(await two.take(1)).toEqual(['3'])
    two.stop.abort()
    expect(await two.pages.next()).toMatchObject({ done: true })
    await turns()
    expect(log.ended).toBe(1)
  })

  test('tells everybody what went wrong, and is read anew', async () => {
    const { log, follow } = openShared(1)
    const [one, two] = [follow(), follow()]
    await Promise.all([one.take(1), two.take(1)])
    const waiting = [one.pages.next(), two.pages.next()]
    log.fail(new Error('The log is away.'))
    for (const each of waiting) await expect(each).rejects.toThrow('The log is away.')
    const again = follow('1').pages.next()
    await expect(again).rejects.toThrow('The log is away.')
    expect(log.begun).toEqual([undefined, '1'])
  })
})
