import type { DatabaseSync } from 'node:sqlite'
import { indexesOf, refuseCollection } from '#ports/document-query.ts'
import type { CollectionDeclaration } from '#ports/document-store.ts'
import { StartRefused } from '#ports/errors.ts'
import {
  type CollectionTable,
  createCollectionTable,
  createTableSql,
  quoted,
  tableNameOf,
} from './collection-table.ts'
import { inTransaction, type Mode } from './open-database.ts'

/** Grows with every change that an older Pabal could not read. */
const documentsFormat = 1

export interface CollectionRegistry {
  /** Makes the table at first use; undefined when reading only and nobody has made it yet. */
  table(collection: CollectionDeclaration): CollectionTable | undefined
  drop(collection: CollectionDeclaration): void
}

/** The indexes as they are compared with those that a table was made with. */
const layoutOf = (collection: CollectionDeclaration): string =>
  JSON.stringify(
    indexesOf(collection)
      .map(({ name, fields, partial = false }) => ({ name, fields, partial }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  )

const prepareFile = (database: DatabaseSync, path: string, mode: Mode): void => {
  const format = Number(database.prepare('PRAGMA user_version').get()?.user_version)
  if (format > documentsFormat)
    throw new StartRefused(
      'store/newer-version',
      `${path} was written by a newer Pabal. Start that version, or move the file away: ` +
        'it is built again from the log.',
    )
  if (mode === 'read-only' || format === documentsFormat) return
  inTransaction(database, () =>
    database.exec(`
      CREATE TABLE IF NOT EXISTS collections (
        name TEXT NOT NULL, version INTEGER NOT NULL, layout TEXT NOT NULL,
        PRIMARY KEY (name, version)
      ) STRICT;
      PRAGMA user_version = ${documentsFormat};`),
  )
}

export const createCollectionRegistry = (
  database: DatabaseSync,
  path: string,
  mode: Mode,
): CollectionRegistry => {
  prepareFile(database, path, mode)
  const find = database.prepare('SELECT layout FROM collections WHERE name = ? AND version = ?')
  const add = database.prepare('INSERT INTO collections VALUES (?, ?, ?)')
  const remove = database.prepare('DELETE FROM collections WHERE name = ? AND version = ?')
  // A declaration is made once and used for ever: looked at once, too.
  let tables = new WeakMap<CollectionDeclaration, CollectionTable>()

  const ensure = (collection: CollectionDeclaration): boolean => {
    refuseCollection(collection)
    const { name, version } = collection
    const layout = find.get(name, version)?.layout
    if (layout === layoutOf(collection)) return true
    if (layout !== undefined)
      throw new StartRefused(
        'store/index-changed',
        `The indexes of collection ${name} version ${version} are not those it was made with. ` +
          "Raise the collection's version: it is built beside the old one.",
      )
    if (mode === 'read-only') return false
    inTransaction(database, () => {
      database.exec(createTableSql(collection))
      add.run(name, version, layoutOf(collection))
    })
    return true
  }

  return {
    table(collection) {
      const known = tables.get(collection)
      if (known !== undefined) return known
      if (!ensure(collection)) return undefined
      const table = createCollectionTable(database, collection)
      tables.set(collection, table)
      return table
    },
    drop(collection) {
      refuseCollection(collection)
      inTransaction(database, () => {
        database.exec(`DROP TABLE IF EXISTS ${quoted(tableNameOf(collection))}`)
        remove.run(collection.name, collection.version)
      })
      tables = new WeakMap()
    },
  }
}
