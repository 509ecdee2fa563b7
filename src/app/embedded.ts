import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInProcessWorkQueue } from '#adapters/in-process/in-process-work-queue.ts'
import { createPinoLog } from '#adapters/pino/pino-log.ts'
import { lockDataDirectory } from '#adapters/sqlite/data-directory.ts'
import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { createHmacKeyHash } from '#adapters/system/hmac-key-hash.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import { refuseUnfitLog } from '#handlers/log-standing.ts'
import { Secret } from '#ports/secret.ts'
import type { Config } from '../config.ts'
import { backupDatabase } from './backup.ts'
import type { Around, Base } from './base.ts'
import { createCore } from './core.ts'
import { watchAppends } from './watch-appends.ts'

export const pathsOf = (dataDir: string) => ({
  events: join(dataDir, 'events.db'),
  documents: join(dataDir, 'read-models.db'),
  secret: join(dataDir, 'secret.key'),
  control: join(dataDir, 'control.sock'),
})

/** Made once. Without it no key, no receipt reference and no suppressed address would be recognised. */
const installationSecret = (config: Config): Secret => {
  if (config.secret) return config.secret
  const { secret: path } = pathsOf(config.dataDir)
  if (!existsSync(path)) {
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
    const made = randomBytes(48).toString('base64url')
    writeFileSync(`${path}.new`, made, { mode: 0o600, flush: true })
    renameSync(`${path}.new`, path)
  }
  return new Secret(readFileSync(path, 'utf8').trim())
}

/** The embedded stores under their lock, and the core on top of them. */
export const openEmbedded = async (config: Config, around: Around = {}): Promise<Base> => {
  await using opening = new AsyncDisposableStack()
  const clock = createSystemClock()
  const log = around.log ?? createPinoLog(config.logLevel)
  opening.use(await lockDataDirectory(config.dataDir))
  const paths = pathsOf(config.dataDir)
  const keyHash = createHmacKeyHash(installationSecret(config))
  const onWarn = (message: string) => log.warn(message)
  const events = opening.use(
    await openSqliteEventStore({ path: paths.events, mode: 'write', thread: true, clock, onWarn }),
  )
  await refuseUnfitLog(events)
  const documents = opening.use(
    await openSqliteDocumentStore({ path: paths.documents, mode: 'write', thread: true, clock }),
  )
  const watched = watchAppends(around.events?.(events) ?? events, clock)
  const closing = new AbortController()
  opening.defer(() => closing.abort())
  const core = createCore({
    events: watched.events,
    documents: around.documents?.(documents) ?? documents,
    clock,
    random: createSystemRandom(),
    log,
    crashPoints: around.crashPoints ?? unarmedCrashPoints,
    keyHash,
    closing: closing.signal,
    exclusive: true,
  })
  const opened = opening.move()
  return {
    ...core,
    controlPath: paths.control,
    synchronous: events.synchronous,
    lastAppendFailure: watched.lastFailure,
    async openQueue(onError) {
      const inProcess = createInProcessWorkQueue({ clock, onError })
      return around.queue?.(inProcess) ?? inProcess
    },
    async backup(directory) {
      // The read models first: a checkpoint that is behind the log's copy is caught up, never ahead of it.
      await backupDatabase(paths.documents, join(directory, 'read-models.db'))
      await events.backup(join(directory, 'events.db'))
      return { directory, files: ['events.db', 'read-models.db'], secret: paths.secret }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
