import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '#ports/clock.ts'
import {
  bodyTextOf,
  documentsMax,
  hasExpired,
  refuseChanges,
  refuseCollection,
  refuseLimit,
  servingIndex,
} from '#ports/document-query.ts'
import type {
  Change,
  CollectionDeclaration,
  DisposableDocumentStore,
  StoredDocument,
} from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import { asRead } from '#ports/plain-json.ts'
import { columnsOf, documentOf, tableNameOf } from './collection-table.ts'
import {
  type AnsweringFile,
  type DocumentFile,
  openDocumentFile,
  type TextChange,
} from './document-file.ts'
import { openDocumentThread } from './document-thread.ts'
import { createLru } from './lru.ts'
import type { Mode } from './open-database.ts'
import { closed } from './sqlite-errors.ts'

/** Changes of one transaction: it takes some milliseconds, and others wait for it. */
const sliceMax = 100
/** So few are written without letting others go first. */
const smallMax = 10
/** What the projector wrote it loads again a moment later. */
const recentBounds = { entriesMax: 2_000, weightMax: 6_000_000 }

/** The file in this thread: what takes long lets others go first. */
const ownThread = (file: DocumentFile): AnsweringFile => ({
  load: async (...args) => file.load(...args),
  async write(collection, changes, now) {
    if (changes.length > smallMax) await nextTurn()
    return file.write(collection, changes, now)
  },
  find: async (...args) => file.find(...args),
  scan: async (...args) => file.scan(...args),
  sweep: async (...args) => file.sweep(...args),
  drop: async (collection) => file.drop(collection),
  close: async () => file.close(),
})

interface Prepared {
  readonly change: TextChange
  /** As it will be loaded; absent: deleted. */
  readonly document?: StoredDocument
}

/** Throws for a body that JSON cannot say, before anything is written. */
const prepare = (collection: CollectionDeclaration, change: Change): Prepared => {
  if (change.do === 'delete') return { change }
  const { id, version } = change.document
  const text = bodyTextOf(change.document)
  const body = asRead(change.document.body, text)
  const columns = columnsOf(collection, body)
  const ifVersion = change.do === 'replace' ? change.ifVersion : -1
  return {
    change: { do: change.do, id, version, columns, text, ifVersion },
    document: { id, version, body },
  }
}

const createDocumentStore = (
  file: AnsweringFile,
  mode: Mode,
  clock: Pick<Clock, 'now'>,
): DisposableDocumentStore => {
  const recent = createLru<string, StoredDocument>(recentBounds)
  /** Writes begun per table: what is loaded meanwhile may be older than what is remembered. */
  const writesBegun = new Map<string, number>()
  /** The file has taken these: what it refuses is refused before anything is remembered of it. */
  const taken = new WeakSet<CollectionDeclaration>()
  let isClosed = false

  const refuseClosed = (): void => {
    if (isClosed) throw closed()
  }
  const refuseReadOnly = (): void => {
    if (mode === 'read-only')
      throw new Unavailable('store/read-only', 'This process has opened the documents for reading.')
  }

  const loadUnknown = async (
    collection: CollectionDeclaration,
    ids: readonly string[],
    found: Map<string, StoredDocument>,
  ): Promise<void> => {
    const table = tableNameOf(collection)
    const begun = writesBegun.get(table)
    const rows = await file.load(collection, ids)
    taken.add(collection)
    for (const row of rows) {
      const document = documentOf(row)
      found.set(document.id, document)
      if (mode === 'write' && writesBegun.get(table) === begun)
        recent.set(`${table} ${document.id}`, document, row[2].length)
    }
  }

  const writeSlice = async (
    collection: CollectionDeclaration,
    prepared: readonly Prepared[],
  ): Promise<readonly string[]> => {
    const table = tableNameOf(collection)
    writesBegun.set(table, (writesBegun.get(table) ?? 0) + 1)
    const applied = await file.write(
      collection,
      prepared.map(({ change }) => change),
      clock.now(),
    )
    const conflicts: string[] = []
    for (const [at, { change, document }] of prepared.entries()) {
      const key = `${table} ${change.id}`
      if (applied[at] !== true) conflicts.push(change.id)
      // A conflict shows that something stale may be remembered here.
      if (applied[at] !== true || document === undefined || change.do === 'delete')
        recent.delete(key)
      else recent.set(key, document, change.text.length)
    }
    return conflicts
  }

  return {
    async load(collection, ids) {
      refuseClosed()
      const table = tableNameOf(collection)
      const found = new Map<string, StoredDocument>()
      const unknown: string[] = []
      for (const id of ids) {
        const document = taken.has(collection) ? recent.get(`${table} ${id}`) : undefined
        if (document === undefined) unknown.push(id)
        else found.set(id, document)
      }
      for (let at = 0; at < unknown.length; at += documentsMax)
        await loadUnknown(collection, unknown.slice(at, at + documentsMax), found)
      if (!collection.expires) return found
      const now = clock.now()
      return new Map([...found].filter(([, { body }]) => !hasExpired(collection, body, now)))
    },
    async write(collection, changes) {
      refuseClosed()
      refuseReadOnly()
      refuseChanges(changes)
      // What cannot be written at all is refused before anything is.
      const prepared = changes.map((change) => prepare(collection, change))
      const conflicts: string[] = []
      for (let at = 0; at < prepared.length; at += sliceMax) {
        refuseClosed()
        conflicts.push(...(await writeSlice(collection, prepared.slice(at, at + sliceMax))))
      }
      return { conflicts }
    },
    async find(collection, query) {
      servingIndex(collection, query)
      refuseClosed()
      return (await file.find(collection, query, clock.now())).map(documentOf)
    },
    async scan(collection, { after = '', limit }) {
      refuseLimit(limit)
      refuseClosed()
      return (await file.scan(collection, after, limit, clock.now())).map(documentOf)
    },
    async sweep(collection, limit) {
      refuseLimit(limit)
      refuseClosed()
      refuseReadOnly()
      const table = tableNameOf(collection)
      writesBegun.set(table, (writesBegun.get(table) ?? 0) + 1)
      const swept = await file.sweep(collection, limit, clock.now())
      for (const id of swept) recent.delete(`${table} ${id}`)
      return swept.length
    },
    async drop(collection) {
      refuseClosed()
      refuseReadOnly()
      refuseCollection(collection)
      await file.drop(collection)
      recent.clear()
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return
      isClosed = true
      await file.close()
    },
  }
}

/**
 * The embedded read models: one file, WAL, no fsync per write (what a power cut takes comes back from the
 * log). Throws `StartRefused` (`store/…`) when the file cannot be used.
 */
export const openSqliteDocumentStore = async (options: {
  readonly path: string
  /** `write`: the only one to write this file. `read-only` may be opened beside it. */
  readonly mode: Mode
  /** Reads and writes in a thread of its own, so that the event loop goes on. */
  readonly thread?: boolean
  /** Says what has expired. */
  readonly clock: Pick<Clock, 'now'>
}): Promise<DisposableDocumentStore> => {
  const { path, mode, clock, thread = false } = options
  const file = thread
    ? await openDocumentThread(path, mode)
    : ownThread(openDocumentFile(path, mode))
  return createDocumentStore(file, mode, clock)
}
