import type { Collection, Filter, MongoClient } from 'mongodb'
import { MongoServerError, ReadConcern } from 'mongodb'
import type { Clock } from '#ports/clock.ts'
import {
  documentsMax,
  expiryIndex,
  refuseChanges,
  refuseLimit,
  servingIndex,
} from '#ports/document-query.ts'
import type {
  CollectionDeclaration,
  DisposableDocumentStore,
  Find,
  StoredDocument,
} from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'
import type { StoreTime } from '#ports/store-time.ts'
import {
  applyPart,
  commandsOf,
  type Prepared,
  prepare,
  removeWhere,
  roundsOf,
} from './bulk-write.ts'
import { createCollectionIndexes, dropCollection } from './collection-indexes.ts'
import { createClient, databaseOf, within } from './connect.ts'
import { expiredFilter, sortOf, stretchesOf, unexpired } from './find-filter.ts'
import { asPortError, closed, isPassing } from './mongo-errors.ts'
import { refusalOf } from './refusal.ts'
import { timeOf } from './server-clock.ts'
import { collectionNameOf, documentOf, projection, type Stored } from './stored-document.ts'

export interface MongoDocumentStoreOptions {
  /** `mongodb://user:password@host:27017/database`; without a name the database is `pabal`. */
  readonly url: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Of every call, milliseconds. */
  readonly timeoutMs?: number
  readonly connectionsMax?: number
}

const defaults = { timeoutMs: 5_000, connectionsMax: 10 } as const
/** How often a write is tried within its time when a server went away under it. */
const attemptsMax = 3

/** The server was told to use an index that it does not have (BadValue): somebody dropped it. */
const lacksIndex = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === 2 && /hint/i.test(error.message)

/** One line when the server goes, one when it is back. */
const logReachability = (client: MongoClient, log: Log): void => {
  let isReachable = true
  client.on('serverHeartbeatFailed', ({ failure }) => {
    if (isReachable) log.warn('MongoDB does not answer.', { error: failure })
    isReachable = false
  })
  client.on('serverHeartbeatSucceeded', () => {
    if (!isReachable) log.info('MongoDB answers again.')
    isReachable = true
  })
}

const createDocumentStore = (
  client: MongoClient,
  {
    url,
    clock,
    random,
    log,
    timeoutMs,
  }: MongoDocumentStoreOptions & { readonly timeoutMs: number },
): DisposableDocumentStore & StoreTime => {
  const db = client.db(databaseOf(url), { readConcern: new ReadConcern('majority') })
  const indexes = createCollectionIndexes(db, log, timeoutMs)
  const instance = random.secret(9)
  let calls = 0
  let isClosed = false

  const withServer = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isClosed) throw closed()
    try {
      return await work()
    } catch (error) {
      throw asPortError(error)
    }
  }

  const storedOf = (collection: CollectionDeclaration): Collection<Stored> =>
    db.collection<Stored>(collectionNameOf(collection))

  /** Until its fate is known, while there is time. */
  const applyUntilKnown = async (
    collection: CollectionDeclaration,
    part: readonly Prepared[],
    until: number,
  ): Promise<readonly string[]> => {
    const stored = storedOf(collection)
    for (let number = 1; ; number++) {
      const left = Math.max(1, Math.ceil(until - clock.monotonic()))
      const expired = expiredFilter(collection, clock.now())
      const time = { timeoutMs: left, signal: within(left) }
      const attempt = { db, stored, isRepeated: number > 1, ...(expired && { expired }), ...time }
      try {
        return await withServer(() => applyPart(attempt, stored.collectionName, part))
      } catch (error) {
        const mayHelp = isPassing(error) && number < attemptsMax && clock.monotonic() < until
        if (!mayHelp) throw error
      }
    }
  }

  const writeRound = async (
    collection: CollectionDeclaration,
    round: readonly Prepared[],
  ): Promise<readonly string[]> => {
    const until = clock.monotonic() + timeoutMs
    // All have ended when this ends: nothing of a failed write comes later.
    const answers = await Promise.allSettled(
      commandsOf(round).map((part) => applyUntilKnown(collection, part, until)),
    )
    return answers.flatMap((answer) => {
      if (answer.status === 'rejected') throw answer.reason
      return answer.value
    })
  }

  const read = async (
    collection: CollectionDeclaration,
    filter: Filter<Stored>,
    options: {
      readonly limit: number
      readonly sort?: Record<string, 1 | -1>
      readonly hint?: string
    },
  ): Promise<readonly StoredDocument[]> => {
    // A batch larger than the page lets the server close its cursor with the first answer.
    const batchSize = options.limit + 1
    const found = await storedOf(collection)
      .find(unexpired(collection, filter, clock.now()), {
        ...options,
        projection,
        batchSize,
        maxTimeMS: timeoutMs,
        signal: within(timeoutMs),
      })
      .toArray()
    return found.map(documentOf)
  }

  const find = async (
    collection: CollectionDeclaration,
    query: Find,
  ): Promise<readonly StoredDocument[]> => {
    const { name: hint } = servingIndex(collection, query)
    const found: StoredDocument[] = []
    for (const filter of stretchesOf(query)) {
      const limit = query.limit - found.length
      if (limit === 0) break
      // Said aloud, so that a query never walks over a whole collection.
      found.push(...(await read(collection, filter, { limit, sort: sortOf(query), hint })))
    }
    return found
  }

  const orWait = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (!lacksIndex(error)) throw error
      throw new Unavailable('documents/index-missing', 'An index of MongoDB is being built.', {
        cause: error,
      })
    }
  }

  /** For what names its index: makes it again when somebody dropped it. */
  const withIndexes = <T>(collection: CollectionDeclaration, work: () => Promise<T>): Promise<T> =>
    withServer(async () => {
      await indexes.ensure(collection)
      try {
        return await work()
      } catch (error) {
        if (!lacksIndex(error)) throw error
        log.warn('An index was dropped and is made again.', { collection: collection.name })
        indexes.forget(collection)
        await indexes.ensure(collection)
        return await orWait(work)
      }
    })

  const sweep = async (collection: CollectionDeclaration, limit: number): Promise<number> => {
    const expired = expiredFilter(collection, clock.now())
    if (expired === undefined) return 0
    const stored = storedOf(collection)
    const signal = within(timeoutMs)
    const options = { projection: { _id: 1 }, hint: expiryIndex, limit, batchSize: limit + 1 }
    const sort = sortOf({ order: { field: collection.expires!.field, direction: 'ascending' } })
    const found = await stored
      .find(expired, { ...options, sort, maxTimeMS: timeoutMs, signal })
      .toArray()
    if (found.length === 0) return 0
    // Asked again with each: whoever inserts takes the place of what has expired.
    const ids = found.map(({ _id }) => _id)
    return removeWhere({ db, timeoutMs, signal }, stored.collectionName, ids, expired)
  }

  return {
    load: (collection, ids) =>
      withServer(async () => {
        await indexes.ensure(collection)
        const found = new Map<string, StoredDocument>()
        for (let at = 0; at < ids.length; at += documentsMax) {
          const some = ids.slice(at, at + documentsMax)
          const documents = await read(collection, { _id: { $in: some } }, { limit: some.length })
          for (const document of documents) found.set(document.id, document)
        }
        return found
      }),

    write: async (collection, changes) => {
      refuseChanges(changes)
      calls += 1
      const writer = `${instance}.${calls}`
      // What cannot be written at all is refused before anything is.
      const prepared = changes.map((change) => prepare(collection, change, writer))
      await withServer(() => indexes.ensure(collection))
      const conflicts: string[] = []
      for (const round of roundsOf(prepared))
        conflicts.push(...(await writeRound(collection, round)))
      return { conflicts }
    },

    find: async (collection, query) => {
      servingIndex(collection, query)
      return withIndexes(collection, () => find(collection, query))
    },

    scan: async (collection, { after, limit }) => {
      refuseLimit(limit)
      return withServer(async () => {
        await indexes.ensure(collection)
        const filter = after === undefined ? {} : { _id: { $gt: after } }
        return read(collection, filter, { limit, sort: { _id: 1 } })
      })
    },

    sweep: async (collection, limit) => {
      refuseLimit(limit)
      return withIndexes(collection, () => sweep(collection, limit))
    },

    drop: (collection) =>
      withServer(async () => {
        indexes.forget(collection)
        await dropCollection(db, collectionNameOf(collection), within(timeoutMs))
        indexes.forget(collection)
      }),

    serverTime: () => withServer(() => timeOf(client, clock, within(timeoutMs))),

    [Symbol.asyncDispose]: async () => {
      if (isClosed) return
      isClosed = true
      await client.close()
    },
  }
}

/**
 * Read models that several processes share. Whoever is answered a conflict loads again; after `Unavailable`
 * it is unknown which changes took effect, and loading again tells. Throws `StartRefused` (`documents/…`)
 * when the server cannot be used.
 */
export const openMongoDocumentStore = async (
  options: MongoDocumentStoreOptions,
): Promise<DisposableDocumentStore & StoreTime> => {
  const { url, log } = options
  const timeoutMs = options.timeoutMs ?? defaults.timeoutMs
  const connectionsMax = options.connectionsMax ?? defaults.connectionsMax
  const client = createClient({ url, timeoutMs, connectionsMax })
  try {
    await client.connect()
    // Says whether the user may: connecting alone does not.
    await client.db(databaseOf(url)).command({ listCollections: 1, nameOnly: true })
  } catch (error) {
    await client.close()
    throw await refusalOf(url, error, timeoutMs)
  }
  logReachability(client, log)
  return createDocumentStore(client, { ...options, timeoutMs })
}
