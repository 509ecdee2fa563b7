import { copyFile, stat, truncate } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import { newEvents, newStream, readLog } from '../../contracts/log-samples.ts'
import { startChild } from './child.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

const line = ({ position, stream, revision, id }: RecordedEvent): string =>
  `${position} ${stream} ${revision} ${id}`

const expectDense = (events: readonly RecordedEvent[]): void => {
  expect(events.map(({ position }) => position)).toEqual(events.map((_, at) => String(at + 1)))
}

describe('a log whose process was killed', () => {
  test.each([1, 400, 3_000])('has every append of %i acknowledged ones', async (killAfter) => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('log.db')
    await using child = startChild('append-forever.ts', path)
    const acknowledged: string[] = []
    for await (const printed of child.lines) {
      acknowledged.push(printed)
      // Lines that it prints while it is being killed count as well.
      if (acknowledged.length === killAfter) void child.kill()
    }
    await child.kill()
    await using store = await openSqliteEventStore({ path, mode: 'write' })
    const events = await readLog(store, undefined)
    expect(acknowledged.length).toBeGreaterThanOrEqual(killAfter)
    const kept = new Set(events.map(line))
    expect(acknowledged.filter((one) => !kept.has(one))).toEqual([])
    expectDense(events)
    const { position } = await store.append(newStream(), newEvents(1), { expected: 'no-stream' })
    expect(position).toBe(String(events.length + 1))
  })
})

describe('a write-ahead log without its end', () => {
  const appends = 30

  /** A log as a power cut may leave it: the end of the write-ahead log never reached the disk. */
  const tear = async (from: string, to: string, bytes: number): Promise<void> => {
    await copyFile(from, to)
    await copyFile(`${from}-wal`, `${to}-wal`)
    const { size } = await stat(`${to}-wal`)
    await truncate(`${to}-wal`, Math.max(0, size - bytes))
  }

  test('leaves a log with all commits before it', async () => {
    await using folder = await openTemporaryFolder()
    await using store = await openSqliteEventStore({ path: folder.file('log.db'), mode: 'write' })
    for (let at = 0; at < appends; at++)
      await store.append(newStream(), newEvents(2), { expected: 'no-stream' })
    const all = await readLog(store, undefined)
    let least = 2 * appends
    for (const bytes of [0, 1, 100, 4_095, 4_120, 20_000, 100_000, 10_000_000]) {
      const path = folder.file(`torn-${bytes}.db`)
      await tear(folder.file('log.db'), path, bytes)
      await using torn = await openSqliteEventStore({ path, mode: 'write' })
      const events = await readLog(torn, undefined)
      expect(events).toEqual(all.slice(0, events.length))
      expect(events.length % 2).toBe(0)
      expect(events.length).toBeLessThanOrEqual(least)
      least = events.length
      if (bytes === 0) expect(events).toHaveLength(2 * appends)
      // One byte less costs the last commit only.
      if (bytes === 1) expect(events).toHaveLength(2 * appends - 2)
      await torn.append(newStream(), newEvents(1), { expected: 'no-stream' })
      expectDense(await readLog(torn, undefined))
    }
  })
})
