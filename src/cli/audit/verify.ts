import { canonicalJson } from '#domain/canonical-json.ts'
import { isFinished, statusOf } from '#domain/notification/status.ts'
import { createCheckpoints, type History } from '#handlers/checkpoints.ts'
import { checkpointName } from '#handlers/progress.ts'
import { foldDocument } from '#handlers/project.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { hasExpired } from '#ports/document-query.ts'
import type { CollectionDeclaration, StoredDocument } from '#ports/document-store.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { allProjections } from '#projections/all.ts'
import {
  type NotificationDocument,
  notificationsProjection,
} from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'
import { createLogCheck, type LogCheck } from './log-check.ts'
import type { ReadOnly } from './read-only.ts'

export interface Difference {
  readonly projection: string
  readonly id: string
  readonly what: 'missing' | 'differs' | 'not-in-log' | 'open-without-due-time' | 'log'
  readonly detail: string
}

export interface Verification {
  readonly clean: boolean
  readonly events: number
  readonly documents: number
  /** Documents that are right for a moment the read model has left behind the log. */
  readonly behind: number
  readonly accepted: number
  readonly finished: number
  readonly parked: number
  readonly pending: number
  /** At most 1,000. */
  readonly differences: readonly Difference[]
}

/** A document as the log gives it, and where its events stand. */
interface Replayed {
  document: StoredDocument | undefined
  readonly stream: string
}

interface Subject {
  readonly projection: Projection
  readonly collection: CollectionDeclaration
  readonly checkpoint: string | undefined
  /** What a recovered read model is still to be given. */
  readonly history: History | undefined
  readonly replayed: Map<string, Replayed>
}

const pageMax = 5_000
const scanMax = 1_000
const differencesMax = 1_000
/** Documents held at a time; a larger log is gone through several times, a part of its streams each. */
const heldMax = 300_000

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

class TooMany extends Error {}

/** Whether an id, of a document or a stream, belongs to one of so many parts. */
const belongsTo =
  (part: number, parts: number) =>
  (id: string): boolean => {
    let hash = 0
    for (let index = 0; index < id.length; index += 1) {
      hash = (Math.imul(hash, 31) + id.charCodeAt(index)) >>> 0
    }
    return hash % parts === part
  }

/** Folds the events of one part of the documents, as the projector would. */
const replay = async (
  stores: ReadOnly,
  subjects: readonly Subject[],
  isMine: (id: string) => boolean,
  check: LogCheck,
): Promise<void> => {
  let after: string | undefined
  for (let atHead = false; !atHead; ) {
    const page = await stores.events.readAll({
      limit: pageMax,
      ...(after !== undefined && { after }),
    })
    for (const event of page.events) {
      check.take(event, isMine(event.stream))
      for (const subject of subjects) foldInto(subject, event, isMine)
    }
    if (subjects.reduce((sum, { replayed }) => sum + replayed.size, 0) > heldMax)
      throw new TooMany()
    after = page.checkpoint
    atHead = page.atHead
  }
}

const foldInto = (
  { projection, replayed }: Subject,
  event: RecordedEvent,
  isMine: (id: string) => boolean,
): void => {
  const id = projection.idOf(event)
  if (id === undefined || !isMine(id)) return
  const known = replayed.get(id)
  const entry: Replayed = known ?? { document: undefined, stream: event.stream }
  if (!known) replayed.set(id, entry)
  const change = foldDocument(projection, id, entry.document, [event], silent)
  if (change && change.do !== 'delete') entry.document = change.document
}

/** Asked after the stored document was read: what that reading did not show has expired by now, too. */
const isOver = ({ clock }: ReadOnly, { collection }: Subject, { document }: Replayed): boolean =>
  document !== undefined && hasExpired(collection, document.body, clock.now())

const sameBody = (a: StoredDocument, b: StoredDocument): boolean =>
  canonicalJson(a.body) === canonicalJson(b.body)

/** The stored document against its own stream, as of the revision that it says it holds. */
const judge = async (
  stores: ReadOnly,
  subject: Subject,
  id: string,
  entry: Replayed,
): Promise<'right' | 'behind' | 'missing' | 'differs'> => {
  const { projection, collection, checkpoint, history } = subject
  const comes = (position: string) =>
    history !== undefined &&
    stores.events.comparePositions(position, history.until) <= 0 &&
    (history.position === undefined ||
      stores.events.comparePositions(position, history.position) > 0)
  // Read again: the service may have gone on since the log was replayed.
  const stored = (await stores.documents.load(collection, [id])).get(id)
  if (!stored && isOver(stores, subject, entry)) return 'right'
  const events = (await stores.events.read(entry.stream)).filter(
    (each) => projection.idOf(each) === id,
  )
  const held = events.filter((each) => each.revision <= (stored?.version ?? -1))
  const missing = events.slice(held.length)
  const late = missing.some(
    ({ position }) =>
      checkpoint !== undefined &&
      stores.events.comparePositions(position, checkpoint) <= 0 &&
      !(stored === undefined && comes(position)),
  )
  if (late) return stored ? 'differs' : 'missing'
  if (stored) {
    const change = foldDocument(projection, id, undefined, held, silent)
    if (!change || change.do === 'delete' || !sameBody(change.document, stored)) return 'differs'
  }
  return missing.length > 0 ? 'behind' : 'right'
}

const openWithoutDue = (document: StoredDocument): boolean => {
  const { state, due } = document.body as NotificationDocument
  if (!state) return false
  const status = statusOf(state)
  return !isFinished(status) && status !== 'parked' && Object.keys(due).length === 0
}

const createTally = () => {
  const tally = { documents: 0, behind: 0, accepted: 0, finished: 0, parked: 0, pending: 0 }
  const differences: Difference[] = []
  return {
    tally,
    differences,
    differ(difference: Difference) {
      if (differences.length < differencesMax) differences.push(difference)
    },
    count({ body }: StoredDocument) {
      const { state, stale, status } = body as NotificationDocument
      tally.accepted += 1
      const called = state && stale === undefined ? statusOf(state) : status
      if (called === 'parked') tally.parked += 1
      else if (state && isFinished(called as ReturnType<typeof statusOf>)) tally.finished += 1
      else tally.pending += 1
    },
  }
}

type Tally = ReturnType<typeof createTally>

const compare = async (stores: ReadOnly, subject: Subject, sum: Tally): Promise<void> => {
  const { projection, collection, replayed } = subject
  const ids = [...replayed.keys()]
  for (let index = 0; index < ids.length; index += scanMax) {
    const some = ids.slice(index, index + scanMax)
    const stored = await stores.documents.load(collection, some)
    for (const id of some) {
      const entry = replayed.get(id)!
      if (!entry.document || isOver(stores, subject, entry)) continue
      sum.tally.documents += 1
      if (projection.name === notificationsProjection.name) {
        sum.count(entry.document)
        if (openWithoutDue(entry.document)) {
          const detail = 'It is open, and nothing would ever happen to it.'
          sum.differ({ projection: projection.name, id, what: 'open-without-due-time', detail })
        }
      }
      const found = stored.get(id)
      if (found?.version === entry.document.version && sameBody(found, entry.document)) continue
      const verdict = await judge(stores, subject, id, entry)
      if (verdict === 'behind') sum.tally.behind += 1
      if (verdict === 'missing' || verdict === 'differs') {
        const detail = `${entry.stream} at revision ${entry.document.version}`
        sum.differ({ projection: projection.name, id, what: verdict, detail })
      }
    }
  }
}

/** Documents that no event of the log gives. */
const findStrangers = async (
  stores: ReadOnly,
  subject: Subject,
  isMine: (id: string) => boolean,
  sum: Tally,
): Promise<void> => {
  const { projection, collection, replayed } = subject
  for (let after: string | undefined; ; ) {
    const page = await stores.documents.scan(collection, {
      limit: scanMax,
      ...(after !== undefined && { after }),
    })
    for (const { id } of page) {
      if (!isMine(id) || replayed.has(id)) continue
      const detail = 'No event of the log gives this document.'
      sum.differ({ projection: projection.name, id, what: 'not-in-log', detail })
    }
    after = page.at(-1)?.id
    if (page.length < scanMax) return
  }
}

const subjectsOf = async (stores: ReadOnly): Promise<Subject[]> => {
  const readModels = createReadModels(stores)
  const checkpoints = createCheckpoints({ ...stores, log: silent })
  return Promise.all(
    allProjections.map(async (projection) => {
      const { active } = await readModels.generations(projection)
      const checkpoint = await checkpoints.load(checkpointName(projection, active))
      const collection = await readModels.active(projection)
      const place = { checkpoint: checkpoint?.position, history: checkpoint?.history }
      return { projection, collection, ...place, replayed: new Map() }
    }),
  )
}

const verifyIn = async (stores: ReadOnly, parts: number): Promise<Verification> => {
  const sum = createTally()
  const report = (id: string, detail: string) =>
    sum.differ({ projection: 'log', id, what: 'log', detail })
  let events = 0
  let requested = 0
  for (let part = 0; part < parts; part += 1) {
    const isMine = belongsTo(part, parts)
    const subjects = await subjectsOf(stores)
    const check = createLogCheck(stores.events, report)
    await replay(stores, subjects, isMine, check)
    for (const subject of subjects) {
      await compare(stores, subject, sum)
      await findStrangers(stores, subject, isMine, sum)
    }
    events = check.events
    requested += check.accepted
  }
  const { differences, tally } = sum
  const { accepted, finished, parked, pending } = tally
  if (requested !== finished + parked + pending || requested !== accepted) {
    report(
      'accepted',
      `${requested} requests; ${finished} finished, ${parked} parked, ${pending} pending.`,
    )
  }
  return { clean: differences.length === 0, events, ...tally, differences }
}

/**
 * Replays the log through the projections into memory and compares document by document. Memory stays
 * bounded: a log with more documents than that is gone through in several parts.
 */
export const verify = async (stores: ReadOnly): Promise<Verification> => {
  for (let parts = 1; ; parts *= 4) {
    try {
      return await verifyIn(stores, parts)
    } catch (error) {
      if (!(error instanceof TooMany)) throw error
    }
  }
}
