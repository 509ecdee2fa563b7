import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  bodyTextOf,
  documentsMax,
  refuseChanges,
  refuseLimit,
  servingIndex,
} from '#ports/document-query.ts'
import type {
  Change,
  CollectionDeclaration,
  DisposableDocumentStore,
  StoredDocument,
} from '#ports/document-store.ts'
import { StartRefused, Unavailable } from '#ports/errors.ts'
import { asRead } from '#ports/plain-json.ts'
import { createCollectionRegistry } from './collection-registry.ts'
import { type CollectionTable, documentOf, tableNameOf } from './collection-table.ts'
import { createLru } from './lru.ts'
import { closeDatabase, inTransaction, type Mode, openDatabase } from './open-database.ts'
import { asPortError, closed } from './sqlite-errors.ts'

/** Changes of one transaction: they block the event loop for some milliseconds. */
const sliceMax = 200
/** So few are written without letting others go first. */
const smallMax = 10
/** What the projector wrote it loads again a moment later. */
const recentBounds = { entriesMax: 5_000, weightMax: 12_000_000 }

interface Prepared {
  readonly change: Change
  readonly id: string
  readonly document?: StoredDocument
  readonly text: string
}

/** Throws for a body that JSON cannot say, before anything is written. */
const prepare = (change: Change): Prepared => {
  if (change.do === 'delete') return { change, id: change.id, text: '' }
  const { id, version, body } = change.document
  const text = bodyTextOf(change.document)
  return { change, id, document: { id, version, body: asRead(body, text) }, text }
}

/** `known`: the document as it was a moment ago, if that is remembered. */
const apply = (
  table: CollectionTable,
  { change, id, document, text }: Prepared,
  known: StoredDocument | undefined,
): boolean => {
  if (change.do === 'delete') return table.delete(id, change.ifVersion)
  if (document === undefined) throw new Error('A change without its document.')
  const { version, body } = document
  if (change.do === 'insert') return table.insert(id, version, body, text)
  const before = known?.version === change.ifVersion ? known.body : undefined
  return table.replace(id, version, body, text, change.ifVersion, before)
}

const createDocumentStore = (
  database: DatabaseSync,
  path: string,
  mode: Mode,
): DisposableDocumentStore => {
  const registry = createCollectionRegistry(database, path, mode)
  const recent = createLru<string, StoredDocument>(recentBounds)
  let isClosed = false

  const withFile = <T>(work: () => T): T => {
    if (isClosed) throw closed()
    try {
      return work()
    } catch (error) {
      throw asPortError(error)
    }
  }

  const refuseReadOnly = (): void => {
    if (mode === 'read-only')
      throw new Unavailable('store/read-only', 'This process has opened the documents for reading.')
  }

  const keyOf = (collection: CollectionDeclaration, id: string): string =>
    `${tableNameOf(collection)} ${id}`

  const load = (
    collection: CollectionDeclaration,
    ids: readonly string[],
  ): ReadonlyMap<string, StoredDocument> => {
    const table = registry.table(collection)
    const found = new Map<string, StoredDocument>()
    const unknown: string[] = []
    for (const id of ids) {
      const document = recent.get(keyOf(collection, id))
      if (document === undefined) unknown.push(id)
      else found.set(id, document)
    }
    for (let at = 0; at < unknown.length; at += documentsMax)
      for (const row of table?.load(unknown.slice(at, at + documentsMax)) ?? []) {
        const document = documentOf(row)
        found.set(document.id, document)
        if (mode === 'write') recent.set(keyOf(collection, document.id), document, row[2].length)
      }
    return found
  }

  const write = (
    collection: CollectionDeclaration,
    prepared: readonly Prepared[],
  ): { readonly conflicts: readonly string[] } => {
    const table = registry.table(collection)
    if (table === undefined || prepared.length === 0) return { conflicts: [] }
    const applied = inTransaction(database, () =>
      prepared.map((one) => apply(table, one, recent.get(keyOf(collection, one.id)))),
    )
    const conflicts: string[] = []
    for (const [at, { id, document, text }] of prepared.entries()) {
      const key = keyOf(collection, id)
      if (applied[at] !== true) conflicts.push(id)
      else if (document !== undefined) recent.set(key, document, text.length)
      // A conflict shows that something stale may be remembered here.
      if (applied[at] !== true || document === undefined) recent.delete(key)
    }
    return { conflicts }
  }

  return {
    load: async (collection, ids) => withFile(() => load(collection, ids)),
    write: async (collection, changes) => {
      refuseReadOnly()
      refuseChanges(changes)
      // What cannot be written at all is refused before anything is.
      const prepared = changes.map(prepare)
      const conflicts: string[] = []
      for (let at = 0; at < prepared.length; at += sliceMax) {
        // Whoever writes much, or one slice after the other, must not hold up all others.
        if (prepared.length > smallMax) await nextTurn()
        const slice = prepared.slice(at, at + sliceMax)
        conflicts.push(...withFile(() => write(collection, slice)).conflicts)
      }
      return { conflicts }
    },
    find: async (collection, query) => {
      servingIndex(collection, query)
      return withFile(() => (registry.table(collection)?.find(query) ?? []).map(documentOf))
    },
    scan: async (collection, { after = '', limit }) => {
      refuseLimit(limit)
      return withFile(() => (registry.table(collection)?.scan(after, limit) ?? []).map(documentOf))
    },
    drop: async (collection) =>
      withFile(() => {
        refuseReadOnly()
        registry.drop(collection)
        recent.clear()
      }),
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return
      isClosed = true
      closeDatabase(database, mode)
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
}): Promise<DisposableDocumentStore> => {
  const database = openDatabase(options.path, options.mode, 'NORMAL')
  try {
    return createDocumentStore(database, options.path, options.mode)
  } catch (error) {
    database.close()
    const reason = asPortError(error)
    if (reason === error) throw error
    throw new StartRefused('store/unreadable', `${options.path} cannot be read: ${error}`, {
      cause: error,
    })
  }
}
