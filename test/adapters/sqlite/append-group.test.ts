import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { createAppendGroup } from '#adapters/sqlite/append-group.ts'
import { prepareEvent } from '#adapters/sqlite/event-rows.ts'
import { createWakeUp } from '#adapters/sqlite/follow.ts'
import type { LogWriter, PreparedAppend } from '#adapters/sqlite/log-writer.ts'
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
      return { revision: 0, position: '1' }
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

describe('appends of one turn', () => {
  test('share a commit', async () => {
    using database = new DatabaseSync(':memory:')
    const writer = countingWriter()
    let woken = 0
    const group = createAppendGroup(database, writer, () => woken++)
    await Promise.all(['a', 'b', 'c'].map((stream) => group.add(append(stream))))
    await group.add(append('d'))
    expect(writer.commits).toEqual([['a', 'b', 'c'], ['d']])
    expect(woken).toBe(2)
  })

  test('do not share the fate of one that conflicts', async () => {
    using database = new DatabaseSync(':memory:')
    const writer = countingWriter()
    const group = createAppendGroup(database, writer, () => {})
    const settled = await Promise.allSettled(
      ['a', 'conflict', 'b'].map((stream) => group.add(append(stream))),
    )
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(writer.commits).toEqual([['a', 'b']])
  })

  test('do not share the fate of one that meets a bug', async () => {
    using database = new DatabaseSync(':memory:')
    const writer = countingWriter()
    const group = createAppendGroup(database, writer, () => {})
    const settled = await Promise.allSettled(
      ['a', 'bug', 'b'].map((stream) => group.add(append(stream))),
    )
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(writer.commits).toEqual([['a'], ['b']])
    await group.add(append('c'))
  })

  test('are refused when too many wait for the disk', async () => {
    using database = new DatabaseSync(':memory:')
    const group = createAppendGroup(database, countingWriter(), () => {})
    const one = append('a')
    const waiting = Array.from({ length: 20_000 }, () => group.add(one))
    await expect(group.add(one)).rejects.toMatchObject({
      name: 'Unavailable',
      code: 'store/overloaded',
    })
    expect(await Promise.all(waiting)).toHaveLength(20_000)
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
