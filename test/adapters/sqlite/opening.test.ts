import { existsSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { newEvents, newStream, readLog } from '../../contracts/log-samples.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

const refusedWith = (code: string, message = '') => ({
  name: 'StartRefused',
  code,
  message: expect.stringContaining(message),
})

describe('opening the log', () => {
  test('gives a new one an id that stays', async () => {
    await using folder = await openTemporaryFolder()
    const ids: string[] = []
    for (const file of ['log.db', 'log.db', 'other.db']) {
      await using store = await openSqliteEventStore({ path: folder.file(file), mode: 'write' })
      ids.push(store.logId)
    }
    expect(ids[1]).toBe(ids[0])
    expect(ids[2]).not.toBe(ids[0])
  })

  test('makes a file for this user only, synced with each commit', async () => {
    await using folder = await openTemporaryFolder()
    await using store = await openSqliteEventStore({ path: folder.file('log.db'), mode: 'write' })
    expect(store.synchronous).toBe(2)
    expect((await stat(folder.file('log.db'))).mode & 0o777).toBe(0o600)
    expect((await stat(folder.file('log.db-wal'))).mode & 0o777).toBe(0o600)
  })

  test('refuses the file of a newer Pabal', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('log.db')
    await (await openSqliteEventStore({ path, mode: 'write' }))[Symbol.asyncDispose]()
    const database = new DatabaseSync(path)
    database.exec("UPDATE meta SET value = '99' WHERE key = 'format'")
    database.close()
    for (const mode of ['write', 'read-only'] as const)
      await expect(openSqliteEventStore({ path, mode })).rejects.toMatchObject(
        refusedWith('store/newer-version', 'log format 99'),
      )
  })

  test('refuses documents of a newer Pabal', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('documents.db')
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
    await expect(
      openSqliteDocumentStore({ path, mode: 'write', clock: createFakeClock() }),
    ).rejects.toMatchObject(refusedWith('store/newer-version', 'built again from the log'))
  })

  test('refuses a folder that is not there or cannot be written', async () => {
    await using folder = await openTemporaryFolder()
    await writeFile(folder.file('file'), '')
    for (const path of [folder.file('missing/log.db'), folder.file('file/log.db')])
      await expect(openSqliteEventStore({ path, mode: 'write' })).rejects.toMatchObject(
        refusedWith('store/not-writable', path),
      )
  })

  test('refuses a file that is something else', async () => {
    await using folder = await openTemporaryFolder()
    await writeFile(folder.file('text'), 'not a database at all '.repeat(100))
    const other = new DatabaseSync(folder.file('other.db'))
    other.exec('CREATE TABLE things (id)')
    other.close()
    const open = (file: string) => openSqliteEventStore({ path: folder.file(file), mode: 'write' })
    await expect(open('text')).rejects.toMatchObject(refusedWith('store/corrupt', 'backup'))
    await expect(open('other.db')).rejects.toMatchObject(refusedWith('store/not-a-log'))
  })

  test('refuses to read where there is none, and makes none', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('log.db')
    await expect(openSqliteEventStore({ path, mode: 'read-only' })).rejects.toMatchObject(
      refusedWith('store/missing', 'PABAL_DATA_DIR'),
    )
    expect(existsSync(path)).toBe(false)
  })
})

describe('closing the log', () => {
  test('writes what waits, leaves one file and is harmless twice', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('log.db')
    const store = await openSqliteEventStore({ path, mode: 'write' })
    const appends = Array.from({ length: 1_200 }, () =>
      store.append(newStream(), newEvents(1), { expected: 'no-stream' }),
    )
    await store[Symbol.asyncDispose]()
    expect(await Promise.all(appends)).toHaveLength(1_200)
    expect(existsSync(`${path}-wal`)).toBe(false)
    await store[Symbol.asyncDispose]()
    const late = store.append(newStream(), newEvents(1), { expected: 'no-stream' })
    await expect(late).rejects.toMatchObject({ name: 'Unavailable', code: 'store/closed' })
    await expect(store.read(newStream())).rejects.toMatchObject({ code: 'store/closed' })
    await using again = await openSqliteEventStore({ path, mode: 'read-only' })
    expect(await readLog(again, undefined)).toHaveLength(1_200)
  })

  test('ends who still follows it', async () => {
    await using folder = await openTemporaryFolder()
    const store = await openSqliteEventStore({ path: folder.file('log.db'), mode: 'write' })
    const following = (async () => {
      for await (const _ of store.subscribe({ signal: new AbortController().signal })) break
    })()
    const ended = expect(following).rejects.toMatchObject({ code: 'store/closed' })
    await store[Symbol.asyncDispose]()
    await ended
  })
})
