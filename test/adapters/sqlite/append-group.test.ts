import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { createAppendGroup, type PreparedAppend } from '#adapters/sqlite/append-group.ts'
import { prepareEvent } from '#adapters/sqlite/event-rows.ts'
import { createWakeUp } from '#adapters/sqlite/follow.ts'
import { type Committed, createCommit } from '#adapters/sqlite/log-committer.ts'
import type { AppendRows, LogWriter } from '#adapters/sqlite/log-writer.ts'
import { VersionConflict } from '#ports/errors.ts'
import { newEvent } from '../../contracts/log-samples.ts'

const append = (stream: string): PreparedAppend => ({
  stream,
  events: [prepareEvent(newEvent())],
  expected: 'no-stream',
})

interface Counted extends LogWriter {
  readonly commits: string[][]
}

/** A writer that takes everything but what its stream's name says it does not. */
const countingWriter = (): Counted => {
  const commits: string[][] = []
  let written: string[] = []
  return {
    commits,
    begin() {},
    append({ stream }) {
      if (stream === 'conflict') throw new VersionConflict(stream)
      if (stream === 'bug') throw new TypeError('as told')
      written.push(stream)
      return { revision: 0, position: 1, repeated: stream === 'repeated' }
    },
    committed() {
      commits.push(written)
      written = []
    },
    rolledBack() {
      written = []
    },
    position: () => 0,
  }
}

const openGroup = (database: DatabaseSync, writer: LogWriter) => {
  const told: string[][] = []
  const group = createAppendGroup({
    commit: createCommit(database, writer),
    lanes: 1,
    onCommit: (news) => told.push(news.map((each) => each.append.stream)),
  })
  const settle = (streams: readonly string[]) =>
    Promise.allSettled(streams.map((stream) => group.add(append(stream))))
  return { group, told, settle }
}

describe('appends of one turn', () => {
  test('share a commit', async () => {
    using database = new DatabaseSync(':memory:')
    const writer = countingWriter()
    const { group, told, settle } = openGroup(database, writer)
    await settle(['a', 'b', 'c'])
    await group.add(append('d'))
    expect(writer.commits).toEqual([['a', 'b', 'c'], ['d']])
    expect(told).toEqual([['a', 'b', 'c'], ['d']])
  })

  test('do not share the fate of one that conflicts', async () => {
    using database = new DatabaseSync(':memory:')
    const writer = countingWriter()
    const settled = await openGroup(database, writer).settle(['a', 'conflict', 'b'])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(settled[1]).toMatchObject({ reason: { name: 'VersionConflict', stream: 'conflict' } })
    expect(writer.commits).toEqual([['a', 'b']])
  })

  test('do not share the fate of one that meets a bug', async () => {
    using database = new DatabaseSync(':memory:')
    const writer = countingWriter()
    const { group, settle } = openGroup(database, writer)
    const settled = await settle(['a', 'bug', 'b'])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(settled[1]).toMatchObject({ reason: { message: 'as told' } })
    expect(writer.commits).toEqual([['a'], ['b']])
    await group.add(append('c'))
  })

  test('are told as news only when they are', async () => {
    using database = new DatabaseSync(':memory:')
    const { told, settle } = openGroup(database, countingWriter())
    await settle(['a', 'repeated', 'conflict'])
    expect(told).toEqual([['a']])
  })

  test('are refused when too many wait for the disk', async () => {
    using database = new DatabaseSync(':memory:')
    const { group } = openGroup(database, countingWriter())
    const one = append('a')
    const waiting = Array.from({ length: 20_000 }, () => group.add(one))
    await expect(group.add(one)).rejects.toMatchObject({
      name: 'Unavailable',
      code: 'store/overloaded',
    })
    expect(await Promise.all(waiting)).toHaveLength(20_000)
  })

  test('are written before the group closes, and refused afterwards', async () => {
    using database = new DatabaseSync(':memory:')
    const { group } = openGroup(database, countingWriter())
    const one = group.add(append('a'))
    await group.close()
    expect(await one).toEqual({ revision: 0, position: '1' })
    await expect(group.add(append('b'))).rejects.toMatchObject({ code: 'store/closed' })
  })

  test('go on their way in groups, no more at a time than there are lanes', async () => {
    const onTheWay: { streams: readonly string[]; arrive: () => void }[] = []
    const commit = (appends: readonly AppendRows[]) =>
      new Promise<Committed>((resolve) => {
        const answers = appends.map(() => ({ revision: 0, position: 1, repeated: false }))
        const arrive = () => resolve({ answers, position: 1 })
        onTheWay.push({ streams: appends.map(({ stream }) => stream), arrive })
      })
    const group = createAppendGroup({ commit, lanes: 2, onCommit: () => {} })
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    const all: Promise<unknown>[] = []
    for (const stream of ['a', 'b', 'c', 'd']) {
      all.push(group.add(append(stream)))
      await turn()
      await turn()
    }
    expect(onTheWay.map(({ streams }) => streams)).toEqual([['a'], ['b']])
    onTheWay[0]?.arrive()
    await all[0]
    await turn()
    expect(onTheWay.map(({ streams }) => streams)).toEqual([['a'], ['b'], ['c', 'd']])
    for (const each of onTheWay) each.arrive()
    await Promise.all(all)
  })
})

describe('who waits at the head', () => {
  test('does not sleep through what happened since it looked', async () => {
    const wakeUp = createWakeUp()
    const never = new AbortController().signal
    const seen = wakeUp.turn()
    wakeUp.wake()
    await wakeUp.wait(seen, never)
    const waiting = wakeUp.wait(wakeUp.turn(), never)
    wakeUp.wake()
    await waiting
  })
})
