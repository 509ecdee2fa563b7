import { refuseLimit } from '#ports/document-query.ts'
import type { CollectionDeclaration, Find } from '#ports/document-store.ts'
import { StartRefused, Unavailable } from '#ports/errors.ts'
import { createCollectionRegistry } from './collection-registry.ts'
import { type CollectionTable, type Column, type Row, tableNameOf } from './collection-table.ts'
import { createLru } from './lru.ts'
import { closeDatabase, inTransaction, type Mode, openDatabase } from './open-database.ts'
import { asPortError } from './sqlite-errors.ts'

/** A change as it is written: the body as text, and what its indexes hold of it. */
export type TextChange =
  | {
      readonly do: 'insert' | 'replace'
      readonly id: string
      readonly version: number
      readonly columns: readonly Column[]
      readonly text: string
      /** Of a `replace`. */
      readonly ifVersion: number
    }
  | { readonly do: 'delete'; readonly id: string; readonly ifVersion: number }

/** Documents as text in a file. Every call blocks its thread. `now`: what has expired then is not there. */
export interface DocumentFile {
  /** Also what has expired. */
  load(collection: CollectionDeclaration, ids: readonly string[]): readonly Row[]
  /** Whether each change was applied; all of them in one transaction. */
  write(
    collection: CollectionDeclaration,
    changes: readonly TextChange[],
    now: number,
  ): readonly boolean[]
  find(collection: CollectionDeclaration, query: Find, now: number): readonly Row[]
  scan(collection: CollectionDeclaration, after: string, limit: number, now: number): readonly Row[]
  /** The ids of those that were removed. */
  sweep(collection: CollectionDeclaration, limit: number, now: number): readonly string[]
  drop(collection: CollectionDeclaration): void
  close(): void
}

/** A file whose calls may be answered later, but in their order. */
export type AnsweringFile = {
  readonly [C in keyof DocumentFile]: (
    ...args: Parameters<DocumentFile[C]>
  ) => Promise<Awaited<ReturnType<DocumentFile[C]>>>
}

/** Rows whose index columns are known: to be replaced without touching the indexes that stay. */
const knownMax = 5_000

interface Known {
  readonly version: number
  readonly columns: readonly Column[]
}

const apply = (
  table: CollectionTable,
  change: TextChange,
  known: Known | undefined,
  now: number,
): boolean => {
  if (change.do === 'delete') return table.delete(change.id, change.ifVersion)
  const { id, version, columns, text, ifVersion } = change
  if (change.do === 'insert') return table.insert(id, version, columns, text, now)
  const before = known?.version === ifVersion ? known.columns : undefined
  return table.replace(id, version, columns, text, ifVersion, before)
}

const createDocumentFile = (path: string, mode: Mode): DocumentFile => {
  const database = openDatabase(path, mode, 'NORMAL')
  try {
    const registry = createCollectionRegistry(database, path, mode)
    const known = createLru<string, Known>({ entriesMax: knownMax, weightMax: knownMax })
    const keyOf = (collection: CollectionDeclaration, id: string): string =>
      `${tableNameOf(collection)} ${id}`

    const write: DocumentFile['write'] = (collection, changes, now) => {
      const table = registry.table(collection)
      if (table === undefined) return []
      const applied = inTransaction(database, () =>
        changes.map((change) => apply(table, change, known.get(keyOf(collection, change.id)), now)),
      )
      for (const [at, change] of changes.entries()) {
        const key = keyOf(collection, change.id)
        if (applied[at] !== true || change.do === 'delete') known.delete(key)
        else known.set(key, { version: change.version, columns: change.columns }, 1)
      }
      return applied
    }

    return {
      load: (collection, ids) => registry.table(collection)?.load(ids) ?? [],
      write,
      find: (collection, query, now) => registry.table(collection)?.find(query, now) ?? [],
      scan: (collection, after, limit, now) => {
        refuseLimit(limit)
        return registry.table(collection)?.scan(after, limit, now) ?? []
      },
      sweep(collection, limit, now) {
        const swept = registry.table(collection)?.sweep(limit, now) ?? []
        for (const id of swept) known.delete(keyOf(collection, id))
        return swept
      },
      drop(collection) {
        registry.drop(collection)
        known.clear()
      },
      close: () => closeDatabase(database, mode),
    }
  } catch (error) {
    database.close()
    throw error
  }
}

/** Throws `StartRefused` (`store/…`) when the file cannot be used; its calls throw the errors of the port. */
export const openDocumentFile = (path: string, mode: Mode): DocumentFile => {
  const opened = <T>(open: () => T): T => {
    try {
      return open()
    } catch (error) {
      if (error instanceof StartRefused || error instanceof Unavailable) throw error
      const reason = asPortError(error)
      if (reason === error) throw error
      const message = `${path} cannot be read: ${error}`
      throw new StartRefused('store/unreadable', message, { cause: error })
    }
  }
  const called = <A extends unknown[], R>(call: (...args: A) => R) => {
    return (...args: A): R => {
      try {
        return call(...args)
      } catch (error) {
        throw asPortError(error)
      }
    }
  }
  const file = opened(() => createDocumentFile(path, mode))
  return {
    load: called(file.load),
    write: called(file.write),
    find: called(file.find),
    scan: called(file.scan),
    sweep: called(file.sweep),
    drop: called(file.drop),
    close: file.close,
  }
}
