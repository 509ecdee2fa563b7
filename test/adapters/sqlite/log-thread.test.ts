import { describe, expect, test } from 'vitest'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { eventStoreContract } from '../../contracts/event-store.ts'
import { newEvent, newEvents, newStream, readLog } from '../../contracts/log-samples.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

const openInThread = (path: string) => openSqliteEventStore({ path, mode: 'write', thread: true })

eventStoreContract('sqlite in a thread', async () => {
  const folder = await openTemporaryFolder()
  const store = await openInThread(folder.file('log.db'))
  return {
    ...store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
})

describe('the thread of the log', () => {
  test('says why it cannot start', async () => {
    await using folder = await openTemporaryFolder()
    await expect(openInThread(folder.file('missing/log.db'))).rejects.toMatchObject({
      name: 'StartRefused',
      code: 'store/not-writable',
    })
  })

  test('waits for the disk at every commit, as SQLite says', async () => {
    await using folder = await openTemporaryFolder()
    await using store = await openInThread(folder.file('log.db'))
    expect(store.synchronous).toBe(2)
  })

  test('writes what waits before it ends, and leaves its file to the next one', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('log.db')
    const store = await openInThread(path)
    const waiting = Array.from({ length: 2_000 }, () =>
      store.append(newStream(), [newEvent()], { expected: 'no-stream' }),
    )
    await store[Symbol.asyncDispose]()
    await Promise.all(waiting)
    await using next = await openSqliteEventStore({ path, mode: 'write' })
    expect(await readLog(next, undefined)).toHaveLength(2_000)
  })

  test('is read without gaps by whoever follows while much is appended', async () => {
    await using folder = await openTemporaryFolder()
    await using store = await openInThread(folder.file('log.db'))
    const end = new AbortController()
    const seen: string[] = []
    const following = (async () => {
      for await (const page of store.subscribe({ limit: 100, signal: end.signal })) {
        seen.push(...page.events.map(({ position }) => position))
        if (seen.length >= 12_000) end.abort()
      }
    })()
    const streams = Array.from({ length: 200 }, newStream)
    const fill = async (stream: string) => {
      for (let at = 0; at < 20; at++)
        await store.append(stream, newEvents(3), { expected: at === 0 ? 'no-stream' : at * 3 - 1 })
      return store.read(stream)
    }
    const read = await Promise.all(streams.map(fill))
    await following
    expect(seen).toEqual(Array.from({ length: 12_000 }, (_, at) => String(at + 1)))
    expect(read.every((events) => events.every((event, at) => event.revision === at))).toBe(true)
    expect(read.every((events) => events.length === 60)).toBe(true)
  })
})
