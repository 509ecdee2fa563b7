import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { standingStream, whyUnfit } from '#domain/log/log.ts'
import { StartRefused } from '#ports/errors.ts'
import type { Finding } from '#ports/finding.ts'
import { pidIn } from './data-directory.ts'
import { resultCodeOf } from './sqlite-errors.ts'
import { openSqliteEventStore } from './sqlite-event-store.ts'

const megabyte = 1_048_576
/** Below this much free space the next write may fail; below the second somebody should act soon. */
const freeMinMb = 100
const freeGoodMb = 2_048
const busyCode = 5
const fullSynchronous = 2

/** Magic numbers of statfs(2): locks and fsync do not hold on the first ones, nothing stays on the others. */
const networkTypes: ReadonlySet<number> = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x517b])
const memoryTypes: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])

const finding = (level: Finding['level'], code: string, message: string): Finding => ({
  subject: 'log',
  level,
  code,
  message,
})

const fine = (message: string): Finding => finding('ok', 'ok', message)

const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}

/** The directory itself, or the next one above it that is there. */
const nearest = async (path: string): Promise<string> => {
  const above = dirname(path)
  return above === path || (await exists(path)) ? path : nearest(above)
}

const inspectRights = async (directory: string): Promise<readonly Finding[]> => {
  const standing = await nearest(directory)
  try {
    await access(standing, constants.W_OK | constants.X_OK)
  } catch {
    const message = `${standing} cannot be written by this user. Give it to this user, or name another one in PABAL_DATA_DIR.`
    return [finding('wrong', 'data-dir/not-writable', message)]
  }
  if (standing !== directory) {
    return [fine(`${directory} is not there yet; the first start makes it.`)]
  }
  const { mode } = await stat(directory)
  if ((mode & 0o077) === 0) {
    return [fine(`${directory} is open to its owner alone.`)]
  }
  const message = `${directory} has the mode ${(mode & 0o777).toString(8)}: other users of this machine may read addresses and messages. A start closes it if it belongs to the user that starts; else do: chmod 700 ${directory}`
  return [finding('warning', 'data-dir/open-to-others', message)]
}

const inspectDisk = async (directory: string): Promise<readonly Finding[]> => {
  const { type, bavail, bsize } = await statfs(await nearest(directory))
  const findings: Finding[] = []
  if (networkTypes.has(type)) {
    const message = `${directory} is on a network file system, where neither locks nor fsync can be relied on. Name a local disk in PABAL_DATA_DIR.`
    findings.push(finding('wrong', 'data-dir/network', message))
  }
  if (memoryTypes.has(type)) {
    const message = `${directory} is in memory: the log is gone after a restart of the machine. Name a disk in PABAL_DATA_DIR.`
    findings.push(finding('warning', 'data-dir/in-memory', message))
  }
  const freeMb = Math.floor((bavail * bsize) / megabyte)
  const free = `${freeMb} MB are free on the disk of ${directory}`
  if (freeMb < freeMinMb) {
    findings.push(finding('wrong', 'data-dir/no-space', `${free}: free at least ${freeMinMb} MB.`))
  } else if (freeMb < freeGoodMb) {
    const message = `${free}; a million notifications take about 3.6 GB.`
    findings.push(finding('warning', 'data-dir/little-space', message))
  } else findings.push(fine(`${free}.`))
  return findings
}

/** Whether a service holds it. A shared lock is tried for a moment; a starting service waits for nobody. */
const inspectLock = async (directory: string): Promise<readonly Finding[]> => {
  const path = join(directory, 'pabal.lock')
  const idle = fine('No service runs on this data directory.')
  if (!(await exists(path))) return [idle]
  using database = new DatabaseSync(path, { timeout: 0, readOnly: true })
  try {
    database.prepare('SELECT count(*) FROM sqlite_master').get()
    return [idle]
  } catch (error) {
    if (resultCodeOf(error) !== busyCode) throw error
    const message = `The service with pid ${pidIn(directory)} runs on this data directory.`
    return [fine(message)]
  }
}

const inspectLog = async (directory: string): Promise<readonly Finding[]> => {
  const path = join(directory, 'events.db')
  if (!(await exists(path))) return []
  try {
    await using log = await openSqliteEventStore({ path, mode: 'read-only' })
    if (log.synchronous < fullSynchronous) {
      const message = `${path} is opened with synchronous=${log.synchronous}: a power cut could lose what was accepted.`
      return [finding('wrong', 'data-dir/not-durable', message)]
    }
    const message = `${path} can be read; each commit is on the disk before it counts (synchronous=${log.synchronous}).`
    const unfit = whyUnfit(await log.read(standingStream))
    return [fine(message), ...(unfit ? [finding('wrong', unfit.code, unfit.message)] : [])]
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error
    return [finding('wrong', error.code, error.message)]
  }
}

/** Looks at a data directory without changing it; a service may run on it meanwhile. */
export const inspectDataDirectory = async (given: string): Promise<readonly Finding[]> => {
  const directory = resolve(given)
  const rights = await inspectRights(directory)
  if (rights.some(({ level }) => level === 'wrong')) return rights
  const rest = [inspectDisk, inspectLock, inspectLog].map((inspect) => inspect(directory))
  return [...rights, ...(await Promise.all(rest)).flat()]
}
