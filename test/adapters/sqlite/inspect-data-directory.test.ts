import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lockDataDirectory } from '#adapters/sqlite/data-directory.ts'
import { inspectDataDirectory } from '#adapters/sqlite/inspect-data-directory.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { newEvent } from '../../contracts/log-samples.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const codesOf = async (directory: string) => {
  const findings = await inspectDataDirectory(directory)
  return new Map(findings.map(({ code, level }) => [code, level]))
}
const fineOf = async (directory: string): Promise<string> => {
  const findings = await inspectDataDirectory(directory)
  return findings.flatMap(({ level, message }) => (level === 'ok' ? [message] : [])).join('\n')
}

describe('the examination of a data directory', () => {
  test('finds that there is none yet, and makes none', async () => {
    using folder = temporaryDirectory()
    const path = join(folder.path, 'not', 'there')
    expect(await fineOf(path)).toContain('not there yet')
    expect(await fineOf(path)).toContain('not there yet')
  })

  test('finds that it cannot be written', async () => {
    using folder = temporaryDirectory()
    // Even root makes no directory below a file.
    const file = join(folder.path, 'file')
    writeFileSync(file, '', { mode: 0o600 })
    expect(await codesOf(join(file, 'data'))).toEqual(new Map([['data-dir/not-writable', 'wrong']]))
  })

  test('warns of one that other users may read', async () => {
    using folder = temporaryDirectory()
    chmodSync(folder.path, 0o700)
    expect((await codesOf(folder.path)).has('data-dir/open-to-others')).toBe(false)
    chmodSync(folder.path, 0o755)
    expect((await codesOf(folder.path)).get('data-dir/open-to-others')).toBe('warning')
  })

  test('says whether a service runs on it, and disturbs none', async () => {
    using folder = temporaryDirectory()
    expect(await fineOf(folder.path)).toContain('No service runs')
    const lock = await lockDataDirectory(folder.path)
    expect(await fineOf(folder.path)).toContain(`pid ${process.pid}`)
    await lock[Symbol.asyncDispose]()
    expect(await fineOf(folder.path)).toContain('No service runs')
    await using _again = await lockDataDirectory(folder.path)
  })

  test('finds a log that is durable, and one that is none', async () => {
    using folder = temporaryDirectory()
    const path = join(folder.path, 'events.db')
    await (await openSqliteEventStore({ path, mode: 'write' }))[Symbol.asyncDispose]()
    expect(await fineOf(folder.path)).toContain('synchronous=2')
    writeFileSync(path, 'no database, for sure, whatever its length may be')
    expect([...(await codesOf(folder.path)).values()]).toContain('wrong')
  })

  test('tells how much space is left', async () => {
    using folder = temporaryDirectory()
    const findings = await inspectDataDirectory(folder.path)
    expect(findings.filter(({ message }) => /\b\d+ MB are free/.test(message))).toHaveLength(1)
  })

  test.each([
    ['log/sealed', 'LogSealed', { to: 'other' }],
    ['log/unfinished-copy', 'LogCopyStarted', { from: 'other' }],
  ])('finds a log on which nothing may start: %s', async (code, type, data) => {
    using folder = temporaryDirectory()
    const path = join(folder.path, 'events.db')
    {
      await using log = await openSqliteEventStore({ path, mode: 'write' })
      const event = newEvent({ type, data, schemaVersion: 1 })
      await log.append('pabal-copy', [event], { expected: 'no-stream' })
    }
    expect((await codesOf(folder.path)).get(code)).toBe('wrong')
  })
})
