import { chmod, chown, readFile, stat, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { lockDataDirectory } from '#adapters/sqlite/data-directory.ts'
import { startChild } from './child.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

describe('the data directory', () => {
  test('is made for this user only', async () => {
    await using folder = await openTemporaryFolder()
    const directory = folder.file('one/two')
    await using _lock = await lockDataDirectory(directory)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect(await readFile(`${directory}/pabal.pid`, 'utf8')).toBe(`${process.pid}\n`)
  })

  test('is closed to other users if it was made before, with the file of the lock', async () => {
    await using folder = await openTemporaryFolder()
    await chmod(folder.path, 0o755)
    const modeOf = async (path: string) => (await stat(path)).mode & 0o7777
    const lockAndLook = async () => {
      await using _lock = await lockDataDirectory(folder.path)
      return [await modeOf(folder.path), await modeOf(folder.file('pabal.lock'))]
    }
    expect(await lockAndLook()).toEqual([0o700, 0o600])
    // As an earlier version made it.
    await chmod(folder.file('pabal.lock'), 0o644)
    expect(await lockAndLook()).toEqual([0o700, 0o600])
  })

  test('stays as it is where everybody keeps something', async () => {
    await using folder = await openTemporaryFolder()
    await chmod(folder.path, 0o1777)
    await using _lock = await lockDataDirectory(folder.path)
    expect((await stat(folder.path)).mode & 0o7777).toBe(0o1777)
    expect((await stat(folder.file('pabal.lock'))).mode & 0o777).toBe(0o600)
  })

  test.skipIf(process.getuid?.() !== 0)(
    'may belong to another user, as long as it can be written (asked of root only)',
    async () => {
      await using folder = await openTemporaryFolder()
      await chmod(folder.path, 0o777)
      await chown(folder.path, 1, 1)
      await using _lock = await lockDataDirectory(folder.path)
      expect((await stat(folder.path)).mode & 0o777).toBe(0o777)
    },
  )

  test('is refused a second time, and free again afterwards', async () => {
    await using folder = await openTemporaryFolder()
    const lock = await lockDataDirectory(folder.path)
    for (let attempt = 0; attempt < 3; attempt++)
      await expect(lockDataDirectory(folder.path)).rejects.toMatchObject({
        name: 'StartRefused',
        code: 'data-dir/locked',
        message: expect.stringContaining(`pid ${process.pid}.`),
      })
    await lock[Symbol.asyncDispose]()
    await lock[Symbol.asyncDispose]()
    await using _next = await lockDataDirectory(folder.path)
  })

  test('is refused while another process has it, and free once that was killed', async () => {
    await using folder = await openTemporaryFolder()
    await using child = startChild('hold-data-directory.ts', folder.path)
    for await (const line of child.lines) {
      expect(line).toBe('locked')
      break
    }
    await expect(lockDataDirectory(folder.path)).rejects.toMatchObject({
      code: 'data-dir/locked',
      message: expect.stringContaining(`pid ${child.pid}.`),
    })
    await child.kill()
    await using _lock = await lockDataDirectory(folder.path)
    expect(await readFile(folder.file('pabal.pid'), 'utf8')).toBe(`${process.pid}\n`)
  })

  test('goes to one of many who ask at once', async () => {
    await using folder = await openTemporaryFolder()
    const asked = await Promise.allSettled(
      Array.from({ length: 10 }, () => lockDataDirectory(folder.path)),
    )
    const got = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(got).toHaveLength(1)
    await got[0]?.[Symbol.asyncDispose]()
  })

  test('has to be one that can be written', async () => {
    await using folder = await openTemporaryFolder()
    await writeFile(folder.file('file'), '')
    await expect(lockDataDirectory(folder.file('file/data'))).rejects.toMatchObject({
      name: 'StartRefused',
      code: 'data-dir/not-writable',
      message: expect.stringContaining('PABAL_DATA_DIR'),
    })
  })
})
