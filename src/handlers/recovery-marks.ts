import { isOwn } from '#domain/log/log.ts'
import {
  decideRecovery,
  evolveRecovery,
  type Recovery,
  type RecoveryEvent,
  recoveryStream,
} from '#domain/recovery/recovery.ts'
import type { Clock } from '#ports/clock.ts'
import type { CollectionDeclaration, DocumentStore } from '#ports/document-store.ts'
import { VersionConflict } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'
import {
  type NotificationDocument,
  notificationsProjection,
} from '#projections/notifications/notifications.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import type { Checkpoints } from './checkpoints.ts'
import { createFoldedStreams } from './folded-streams.ts'
import { checkpointName } from './progress.ts'
import type { ReadModels } from './read-models.ts'
import { createRecorder } from './recorder.ts'

/** Ids listed at most, of open and of parked ones each: together they stay below one event's megabyte. */
const idsMax = 10_000
const pageMax = 1_000
const lookEveryMs = 60_000
const projection = notificationsProjection as unknown as Projection

export interface MarkNeeds {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly checkpoints: Pick<Checkpoints, 'load'>
  readonly readModels: ReadModels
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
  /** For tests: fewer than 10,000. */
  readonly listedMax?: number
}

interface Found {
  readonly ids: readonly string[]
  /** When the first one that is not among them was requested. */
  readonly nextSince?: number
}

/** The oldest ones; one more than are listed is looked at. */
const findOldest = async (
  documents: DocumentStore,
  collection: CollectionDeclaration,
  as: 'open' | 'parked',
  listedMax: number,
): Promise<Found> => {
  const ids: string[] = []
  let after: { readonly value: number; readonly id: string } | undefined
  for (;;) {
    const page = await documents.find(collection, {
      where: { 'unfinished.as': as },
      order: { field: 'unfinished.since', direction: 'ascending' },
      ...(after && { after }),
      limit: pageMax,
    })
    for (const { id, body } of page) {
      const { since } = (body as NotificationDocument).unfinished!
      if (ids.length === listedMax) return { ids, nextSince: since }
      ids.push(id)
      after = { value: since, id }
    }
    if (page.length < pageMax) return { ids }
  }
}

/**
 * Writes into the log from where, and with what, the agenda can be rebuilt.
 *
 * The checkpoint is read before the documents: what is finished by the time they are read was changed after
 * the checkpoint, and its whole stream is read when a recovery comes to that change. For the same reason
 * nothing that is accepted or redriven meanwhile can be missed.
 */
export const createRecoveryMarks = (needs: MarkNeeds) => {
  const {
    events,
    documents,
    checkpoints,
    readModels,
    random,
    log,
    signal,
    listedMax = idsMax,
  } = needs
  const recorder = createRecorder(needs)
  const marks = createFoldedStreams<Recovery>({
    events,
    evolve: evolveRecovery,
    entriesMax: 1,
    clock: needs.clock,
  })
  const context = { app: '', actor: 'system:timekeeper', correlationId: events.logId }

  const append = (stream: string, facts: readonly RecoveryEvent[], revision: number) =>
    recorder.appendSurely(
      stream,
      recorder.record(facts, context),
      revision < 0 ? 'no-stream' : revision,
      { signal },
    )

  /** Marks alone are no reason for another one. */
  const isQuietSince = async (position: string): Promise<boolean> => {
    for (let after = position; ; ) {
      const page = await events.readAll({ after, limit: pageMax })
      if (!page.events.every(({ stream }) => isOwn(stream))) return false
      if (page.atHead) return true
      after = page.checkpoint
    }
  }

  const writeList = async (collection: CollectionDeclaration) => {
    const open = await findOldest(documents, collection, 'open', listedMax)
    const parked = await findOldest(documents, collection, 'parked', listedMax)
    const since = open.nextSince === undefined ? {} : { unlistedSince: open.nextSince }
    if (open.ids.length + parked.ids.length === 0) return since
    const list = `${recoveryStream}-${random.uuid()}`
    const data = { open: open.ids, parked: parked.ids }
    await append(list, [{ type: 'RecoveryListed', data }], -1)
    return { ...since, list }
  }

  /** One mark, unless the last one says it all; `false`: the read model is not fit for one now. */
  const mark = async (): Promise<boolean> => {
    const { active } = await readModels.generations(projection)
    const name = checkpointName(projection, active)
    const checkpoint = await checkpoints.load(name)
    if (checkpoint?.newestAt === undefined || checkpoint.history) return false
    const { position, eventId, before, newestAt } = checkpoint
    const place = { position, eventId, ...(before !== undefined && { before }) }
    const { state, revision } = await marks.load(recoveryStream)
    if (state?.last && (await isQuietSince(state.last.place.position))) return true
    const listed = await writeList(collectionOf(projection, active))
    const decided = decideRecovery(state, { do: 'mark', place, newestAt, ...listed })
    try {
      if (decided.length > 0) await append(recoveryStream, decided, revision)
    } catch (error) {
      // Another process marks as well: its mark is as good.
      if (!(error instanceof VersionConflict)) throw error
      log.debug('Another process made the mark.', {})
    }
    return true
  }

  return { mark, lastAt: async () => (await marks.load(recoveryStream)).state?.markedAt }
}

/** Marks whenever the last mark, of whichever process, is old enough. Ends when `signal` fires. */
export const runRecoveryMarks = async (
  needs: MarkNeeds & { readonly everyMs: number },
): Promise<void> => {
  const { clock, signal, everyMs } = needs
  const { mark, lastAt } = createRecoveryMarks(needs)
  let triedAt = -Infinity
  while (!signal.aborted) {
    await clock.sleep(Math.min(everyMs, lookEveryMs), signal)
    if (signal.aborted) return
    // A quiet log gets no mark: that it was looked at counts as well.
    const last = Math.max((await lastAt()) ?? -Infinity, triedAt)
    if (clock.now() - last >= everyMs && (await mark())) triedAt = clock.now()
  }
}
