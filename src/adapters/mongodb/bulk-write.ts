import { type Collection, type Db, type Document, type Filter, MongoServerError } from 'mongodb'
import { bodyTextOf, documentsMax, indexesOf } from '#ports/document-query.ts'
import type { Change, CollectionDeclaration } from '#ports/document-store.ts'
import { asRead } from '#ports/plain-json.ts'
import { keysOf, type Stored } from './stored-document.ts'

/**
 * Majority and journal: what was answered survives the loss of a minority of the servers. On a single server
 * it means its own journal.
 */
const writeConcern = { w: 'majority', j: true } as const
/** One command may have 16 MiB, and one document alone nearly that much. */
const commandBytesMax = 12_000_000
const duplicateKey = 11_000

export interface Prepared {
  readonly id: string
  readonly do: Change['do']
  /** The version that is replaced or deleted. */
  readonly ifVersion: number
  readonly stored: Stored | undefined
  /** At least as many bytes as it takes. */
  readonly weight: number
}

/** Throws for a body that no store takes, before anything is written. */
export const prepare = (
  collection: CollectionDeclaration,
  change: Change,
  writer: string,
): Prepared => {
  if (change.do === 'delete')
    return {
      id: change.id,
      do: 'delete',
      ifVersion: change.ifVersion,
      stored: undefined,
      weight: 0,
    }
  const { id, version, body } = change.document
  const b = bodyTextOf(change.document)
  const k = indexesOf(collection).length === 0 ? {} : keysOf(collection, asRead(body, b))
  return {
    id,
    do: change.do,
    ifVersion: change.do === 'replace' ? change.ifVersion : -1,
    stored: { _id: id, v: version, w: writer, k, b },
    weight: b.length * 3,
  }
}

/** Parts in which no id occurs twice, so that the server may apply each in any order. */
export const roundsOf = (changes: readonly Prepared[]): readonly (readonly Prepared[])[] => {
  const rounds: Map<string, Prepared>[] = []
  const seen = new Map<string, number>()
  for (const change of changes) {
    const at = seen.get(change.id) ?? 0
    seen.set(change.id, at + 1)
    rounds[at] ??= new Map()
    rounds[at].set(change.id, change)
  }
  return rounds.map((round) => [...round.values()])
}

/** Parts that one command takes, each of one kind. */
export const commandsOf = (round: readonly Prepared[]): readonly (readonly Prepared[])[] => {
  const parts: Prepared[][] = []
  for (const kind of ['insert', 'replace', 'delete'] as const) {
    let weight = Number.POSITIVE_INFINITY
    for (const change of round) {
      if (change.do !== kind) continue
      const last = parts.at(-1)
      weight += change.weight
      if (last && last.length < documentsMax && weight <= commandBytesMax) {
        last.push(change)
        continue
      }
      parts.push([change])
      weight = change.weight
    }
  }
  return parts
}

export interface Attempt {
  readonly db: Db
  readonly stored: Collection<Stored>
  /** An attempt before this one may have taken effect without an answer. */
  readonly isRepeated: boolean
  /** What of the collection has expired: an insert takes its place. Absent: it never does. */
  readonly expired?: Filter<Stored>
  /** What is left of the call's time. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

type Sending = Pick<Attempt, 'db' | 'timeoutMs' | 'signal'>

const send = async ({ db, timeoutMs, signal }: Sending, command: Document): Promise<Document> => {
  const durable = { ...writeConcern, wtimeout: timeoutMs }
  const whole = { ...command, ordered: false, writeConcern: durable, maxTimeMS: timeoutMs }
  const reply = await db.command(whole, { signal })
  if (reply.writeConcernError) throw new MongoServerError(reply.writeConcernError)
  const failed = (reply.writeErrors ?? []).find(
    (each: { readonly code: number }) => each.code !== duplicateKey,
  )
  if (failed) throw new MongoServerError(failed)
  return reply
}

/** The versions as they are now, for deciding who was first. */
const now = async (
  { stored, signal, timeoutMs: maxTimeMS }: Attempt,
  changes: readonly Prepared[],
): Promise<ReadonlyMap<string, Pick<Stored, 'v' | 'w'>>> => {
  const ids = changes.map(({ id }) => id)
  const options = { projection: { v: 1, w: 1 }, batchSize: ids.length + 1, maxTimeMS, signal }
  const found = await stored.find({ _id: { $in: ids } }, options).toArray()
  return new Map(found.map(({ _id, v, w }) => [_id, { v, w }]))
}

const idsOf = (changes: readonly Prepared[]): readonly string[] => changes.map(({ id }) => id)

/** Those whose place is not held by what this very call wrote. */
const notOurs = async (
  attempt: Attempt,
  changes: readonly Prepared[],
): Promise<readonly string[]> => {
  const holders = await now(attempt, changes)
  const isOurs = ({ id, stored }: Prepared): boolean =>
    holders.get(id)?.v === stored?.v && holders.get(id)?.w === stored?.w
  return idsOf(changes.filter((change) => !isOurs(change)))
}

/** Removes those of these documents to which the filter still applies; answers how many. */
export const removeWhere = async (
  sending: Sending,
  collection: string,
  ids: readonly string[],
  filter: Filter<Stored>,
): Promise<number> => {
  const deletes = [{ q: { $and: [{ _id: { $in: ids } }, filter] }, limit: 0 }]
  return Number((await send(sending, { delete: collection, deletes })).n)
}

const insert = async (
  attempt: Attempt,
  collection: string,
  changes: readonly Prepared[],
): Promise<readonly string[]> => {
  const documents = changes.map(({ stored }) => stored)
  const { writeErrors = [] } = await send(attempt, { insert: collection, documents })
  const refused = (writeErrors as readonly { readonly index: number }[]).map(
    ({ index }) => changes[index]!,
  )
  if (refused.length === 0) return []
  const { expired, ...rest } = attempt
  if (expired && (await removeWhere(attempt, collection, idsOf(refused), expired)) > 0)
    return insert(rest, collection, refused)
  return attempt.isRepeated ? notOurs(attempt, refused) : idsOf(refused)
}

/**
 * The server says how many were replaced, not which. Mostly that is all of them; else the ids are read again
 * and those not held by this call are the conflicts. Replaced here and again by somebody else before that
 * reading counts as a conflict too: whoever is told so finds the same as one who was too late.
 */
const replace = async (
  attempt: Attempt,
  collection: string,
  changes: readonly Prepared[],
): Promise<readonly string[]> => {
  const updates = changes.map(({ id, ifVersion, stored }) => ({
    q: { _id: id, v: ifVersion },
    u: stored,
  }))
  const { n } = await send(attempt, { update: collection, updates })
  if (Number(n) === changes.length) return []
  if (changes.length === 1 && !attempt.isRepeated) return idsOf(changes)
  return notOurs(attempt, changes)
}

/**
 * What is gone cannot tell who deleted it, so the versions are read before. Who deletes several documents at
 * once at the same moment as somebody else may be told of conflicts for which nobody is told of success.
 */
const remove = async (
  attempt: Attempt,
  collection: string,
  changes: readonly Prepared[],
): Promise<readonly string[]> => {
  const before = changes.length === 1 ? undefined : await now(attempt, changes)
  const isThere = ({ id, ifVersion }: Prepared): boolean =>
    before === undefined || before.get(id)?.v === ifVersion
  const there = changes.filter(isThere)
  const conflicts = idsOf(changes.filter((change) => !isThere(change)))
  if (there.length === 0) return conflicts
  const deletes = there.map(({ id, ifVersion }) => ({ q: { _id: id, v: ifVersion }, limit: 1 }))
  const { n } = await send(attempt, { delete: collection, deletes })
  return Number(n) === there.length ? conflicts : [...conflicts, ...idsOf(there)]
}

const byKind = { insert, replace, delete: remove } as const

/** Applies a part of one kind; answers the ids that were not as expected. Throws errors of the driver. */
export const applyPart = (
  attempt: Attempt,
  collection: string,
  changes: readonly Prepared[],
): Promise<readonly string[]> => byKind[changes[0]!.do](attempt, collection, changes)
