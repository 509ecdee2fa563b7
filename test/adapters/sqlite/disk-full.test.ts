import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { Unavailable } from '#ports/errors.ts'
import { insert, newCollection } from '../../contracts/document-samples.ts'
import { newEvent, newStream, readLog } from '../../contracts/log-samples.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

interface SmallDisk extends Disposable {
  readonly path: string
}

/** A disk of 2 MB, for those who may mount one. */
const mountSmallDisk = (): SmallDisk | undefined => {
  const path = mkdtempSync(join(tmpdir(), 'pabal-disk-'))
  mkdirSync(path, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    // Not this user, or not this system: the tests are skipped by name.
    rmSync(path, { recursive: true })
    return undefined
  }
  return {
    path,
    [Symbol.dispose]() {
      execFileSync('umount', [path])
      rmSync(path, { recursive: true })
    },
  }
}

const mountable = (() => {
  using disk = mountSmallDisk()
  return disk !== undefined
})()

const text = 'x'.repeat(20_000)
const attemptsMax = 500

describe('a full disk (needs the right to mount one)', () => {
  test.skipIf(!mountable)('makes appends unavailable until there is space again', async () => {
    using disk = mountSmallDisk()
    const path = disk?.path ?? ''
    writeFileSync(join(path, 'ballast'), Buffer.alloc(500_000))
    await using store = await openSqliteEventStore({ path: join(path, 'log.db'), mode: 'write' })
    const append = (stream: string) => {
      const events = [newEvent({ data: { text } })]
      return { stream, events, call: () => store.append(stream, events, { expected: 'no-stream' }) }
    }
    let appended = 0
    let failed: ReturnType<typeof append> | undefined
    for (let attempt = 0; attempt < attemptsMax && failed === undefined; attempt++) {
      const next = append(newStream())
      const outcome = await next.call().catch((error: unknown) => error)
      if (outcome instanceof Unavailable) {
        expect(outcome.code).toBe('store/disk-full')
        expect(outcome.cause).toBeInstanceOf(Error)
        failed = next
      } else appended++
    }
    expect(failed).toBeDefined()
    // All of one group fail together, and nothing that was acknowledged is gone.
    const group = await Promise.allSettled([append(newStream()).call(), append(newStream()).call()])
    expect(group.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await readLog(store, undefined)).toHaveLength(appended)
    rmSync(join(path, 'ballast'))
    const { position } = (await failed?.call()) ?? { position: '' }
    expect(position).toBe(String(appended + 1))
    expect(await failed?.call()).toMatchObject({ position })
    expect(await store.read(failed?.stream ?? '')).toHaveLength(1)
    expect(await readLog(store, undefined)).toHaveLength(appended + 1)
  })

  test.skipIf(!mountable)('makes documents unavailable until there is space again', async () => {
    using disk = mountSmallDisk()
    const path = join(disk?.path ?? '', 'documents.db')
    writeFileSync(join(disk?.path ?? '', 'ballast'), Buffer.alloc(500_000))
    await using store = await openSqliteDocumentStore({
      path,
      mode: 'write',
      clock: createFakeClock(),
    })
    const collection = newCollection()
    let error: unknown
    let written = 0
    for (; written < attemptsMax && error === undefined; written++)
      error = await store.write(collection, [insert(`id-${written}`, { text })]).then(
        () => undefined,
        (reason: unknown) => reason,
      )
    expect(error).toMatchObject({ name: 'Unavailable', code: 'store/disk-full' })
    const last = `id-${written - 1}`
    expect((await store.load(collection, [last])).size).toBe(0)
    rmSync(join(disk?.path ?? '', 'ballast'))
    await store.write(collection, [insert(last, { text })])
    expect((await store.load(collection, [last])).size).toBe(1)
  })
})
