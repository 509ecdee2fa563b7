import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPinoLog } from '#adapters/pino/pino-log.ts'
import { lockDataDirectory } from '#adapters/sqlite/data-directory.ts'
import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { createHmacKeyHash } from '#adapters/system/hmac-key-hash.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import type { Recipient } from '#domain/recipient/recipient.ts'
import { type Aggregates, createAggregates } from '#handlers/aggregates.ts'
import { createApps } from '#handlers/apps.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { createNotifications } from '#handlers/notifications.ts'
import { createProjector } from '#handlers/projector.ts'
import { createReadModels, type ReadModels } from '#handlers/read-models.ts'
import { createRecorder } from '#handlers/recorder.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { Secret } from '#ports/secret.ts'
import type { Projection } from '#projections/projection.ts'
import { type RecipientDocument, recipientsProjection } from '#projections/recipients/recipients.ts'
import type { Config } from '../config.ts'

/** What a campaign may put around the parts; nothing in normal use. */
export interface Around {
  readonly events?: (events: EventStore) => EventStore
  readonly documents?: (documents: DocumentStore) => DocumentStore
  readonly crashPoints?: CrashPoints
  readonly log?: Log
}

/** A caller who waits is told after this long that the log does not answer. */
const commandWaitMs = 5_000

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
    writeFileSync(`${path}.new`, randomBytes(48).toString('base64url'), {
      mode: 0o600,
      flush: true,
    })
    renameSync(`${path}.new`, path)
  }
  return new Secret(readFileSync(path, 'utf8').trim())
}

const projectedRecipient =
  (documents: DocumentStore, readModels: ReadModels) => async (stream: string) => {
    const id = stream.slice('recipient-'.length)
    const projection = recipientsProjection as unknown as Projection
    const document = (await documents.load(await readModels.active(projection), [id])).get(id)
    if (!document) return undefined
    const state: Recipient = (document.body as RecipientDocument).recipient
    return { state, revision: document.version }
  }

/** The stores under their lock and all that needs no more than them. Nothing moves by itself yet. */
export const openCore = async (config: Config, around: Around = {}) => {
  await using opening = new AsyncDisposableStack()
  const clock = createSystemClock()
  const random = createSystemRandom()
  const log = around.log ?? createPinoLog(config.logLevel)
  const crashPoints = around.crashPoints ?? unarmedCrashPoints
  opening.use(await lockDataDirectory(config.dataDir))
  const paths = pathsOf(config.dataDir)
  const keyHash = createHmacKeyHash(installationSecret(config))
  const onWarn = (message: string) => log.warn(message)
  const sqliteEvents = opening.use(
    await openSqliteEventStore({ path: paths.events, mode: 'write', clock, onWarn }),
  )
  const sqliteDocuments = opening.use(
    await openSqliteDocumentStore({ path: paths.documents, mode: 'write' }),
  )
  const events = around.events?.(sqliteEvents) ?? sqliteEvents
  const documents = around.documents?.(sqliteDocuments) ?? sqliteDocuments

  const stopped = new AbortController()
  opening.defer(() => stopped.abort())
  const patience = { signal: stopped.signal }
  const commandPatience = { signal: stopped.signal, waitMaxMs: commandWaitMs }
  const readModels = createReadModels({ documents, clock })
  const aggregates: Aggregates = createAggregates({
    events,
    keyHash,
    projectedRecipient: projectedRecipient(documents, readModels),
  })
  const recorder = createRecorder({ events, clock, random, log })
  const checkpoints = createCheckpoints({ events, documents, log })
  const parts = { events, documents, clock, random, log, crashPoints, keyHash, readModels }
  const opened = opening.move()
  return {
    ...parts,
    config,
    paths,
    synchronous: sqliteEvents.synchronous,
    backupEvents: sqliteEvents.backup,
    aggregates,
    recorder,
    checkpoints,
    patience,
    commandPatience,
    /** For what must be recorded, however long it takes. */
    notifications: createNotifications({ events, recorder, patience }),
    /** For somebody who waits for an answer. */
    commandNotifications: createNotifications({ events, recorder, patience: commandPatience }),
    apps: createApps({ aggregates, recorder, keyHash, random, patience: commandPatience }),
    projector: createProjector({ ...parts, checkpoints }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

export type Core = Awaited<ReturnType<typeof openCore>>
