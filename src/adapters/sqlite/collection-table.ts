import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { expiryIndex, indexedValue, indexesOf, servingIndex } from '#ports/document-query.ts'
import type {
  CollectionDeclaration,
  DocumentBody,
  Find,
  Scalar,
  StoredDocument,
} from '#ports/document-store.ts'

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

export const tableNameOf = ({ name, version }: CollectionDeclaration): string =>
  `c_${name}_${version}`

/** The fields of all indexes, each once: the columns beside the body. */
const fieldsOf = (collection: CollectionDeclaration): readonly string[] => {
  const known = knownFields.get(collection)
  if (known !== undefined) return known
  const fields = [...new Set(indexesOf(collection).flatMap((index) => index.fields))]
  knownFields.set(collection, fields)
  return fields
}
const knownFields = new WeakMap<CollectionDeclaration, readonly string[]>()

/** Makes the table of a collection and its indexes; the body comes last so that they need not read past it. */
export const createTableSql = (collection: CollectionDeclaration): string => {
  const table = tableNameOf(collection)
  const fields = fieldsOf(collection)
  const column = (field: string | undefined): string => `f${fields.indexOf(field ?? '')}`
  const columns = fields.map((_, at) => `f${at} ANY,`).join(' ')
  const indexes = indexesOf(collection).map((index) => {
    const where = index.partial === true ? ` WHERE ${column(index.fields.at(-1))} IS NOT NULL` : ''
    return `CREATE INDEX ${quoted(`${table}_${index.name}`)}
      ON ${quoted(table)} (${index.fields.map(column).join(', ')}, id)${where};`
  })
  return `CREATE TABLE ${quoted(table)}
    (id TEXT PRIMARY KEY, version INTEGER NOT NULL, ${columns} body TEXT NOT NULL) STRICT;
    ${indexes.join('\n')}`
}

export type Row = readonly [id: string, version: number, body: string]
export type Column = SQLInputValue

/** The statements of one collection. Bodies go in and out as text, with their columns beside them. */
export interface CollectionTable {
  /** Takes the place of a row that has expired. */
  insert(
    id: string,
    version: number,
    columns: readonly Column[],
    text: string,
    now: number,
  ): boolean
  /** `before`: the columns of the row if it has `ifVersion`; saves touching indexes that stay as they are. */
  replace(
    id: string,
    version: number,
    columns: readonly Column[],
    text: string,
    ifVersion: number,
    before: readonly Column[] | undefined,
  ): boolean
  delete(id: string, ifVersion: number): boolean
  load(ids: readonly string[]): readonly Row[]
  find(query: Find, now: number): readonly Row[]
  scan(after: string, limit: number, now: number): readonly Row[]
  /** The ids of those that were removed. */
  sweep(limit: number, now: number): readonly string[]
}

const asColumn = (value: Scalar | undefined): Column => {
  if (typeof value === 'boolean') return Number(value)
  return value ?? null
}

/** What the indexes of its collection hold of a body. */
export const columnsOf = (
  collection: CollectionDeclaration,
  body: DocumentBody,
): readonly Column[] => fieldsOf(collection).map((field) => asColumn(indexedValue(body, field)))

/** Says nothing about an index: it is asked beside what finds the rows. */
const notExpired = (column: string): string => `coalesce(${column} > ?, TRUE)`

/** The WHERE and ORDER of a query, and the values of its parameters in their order. */
const findSql = (
  collection: CollectionDeclaration,
  query: Find,
  now: number,
): { readonly sql: string; readonly values: readonly Scalar[] } => {
  const index = servingIndex(collection, query)
  const fields = fieldsOf(collection)
  const column = (field: string): string => `f${fields.indexOf(field)}`
  const { where, range, order, after, limit } = query
  const by = column(order.field)
  const descending = order.direction === 'descending'
  // Without a value there would be no place to continue from.
  const terms = [`${by} IS NOT NULL`]
  const values: Scalar[] = []
  for (const field of index.fields.slice(0, Object.keys(where).length)) {
    terms.push(`${column(field)} = ?`)
    values.push(where[field] as Scalar)
  }
  if (range?.from !== undefined) {
    terms.push(`${by} >= ?`)
    values.push(range.from)
  }
  if (range?.to !== undefined) {
    terms.push(`${by} <= ?`)
    values.push(range.to)
  }
  if (after !== undefined) {
    terms.push(`(${by}, id) ${descending ? '<' : '>'} (?, ?)`)
    values.push(after.value, after.id)
  }
  if (collection.expires) {
    terms.push(notExpired(column(collection.expires.field)))
    values.push(now)
  }
  values.push(limit)
  const table = tableNameOf(collection)
  const direction = descending ? 'DESC' : 'ASC'
  // INDEXED BY makes SQLite refuse what it would otherwise answer by reading everything.
  const sql = `SELECT id, version, body FROM ${quoted(table)}
    INDEXED BY ${quoted(`${table}_${index.name}`)} WHERE ${terms.join(' AND ')}
    ORDER BY ${by} ${direction}, id ${direction} LIMIT ?`
  return { sql, values }
}

export const createCollectionTable = (
  database: DatabaseSync,
  collection: CollectionDeclaration,
): CollectionTable => {
  const table = quoted(tableNameOf(collection))
  const fields = fieldsOf(collection)
  // As many as there are indexes and shapes of a query.
  const statements = new Map<string, StatementSync>()

  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    statements.set(sql, statement)
    return statement
  }
  const rows = (sql: string, ...values: SQLInputValue[]): readonly Row[] =>
    prepared(sql).all(...values) as unknown as readonly Row[]
  const names = fields.map((_, at) => `f${at}`)
  const columns = ['id', 'version', ...names, 'body']
  const places = columns.map(() => '?').join(', ')
  const { expires } = collection
  const expiry = expires && `f${fields.indexOf(expires.field)}`
  const news = columns.slice(1).map((each) => `${each} = excluded.${each}`)
  const whenThere = expiry
    ? `(id) DO UPDATE SET ${news.join(', ')} WHERE ${table}.${expiry} <= ?`
    : 'DO NOTHING'
  const insertSql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})
    ON CONFLICT ${whenThere}`
  /** SQLite takes every index for changed whose columns are named, whatever their values. */
  const replaceSql = (changed: readonly number[]): string => {
    const settings = ['version', ...changed.map((at) => `f${at}`), 'body'].map(
      (each) => `${each} = ?`,
    )
    return `UPDATE ${table} SET ${settings.join(', ')} WHERE id = ? AND version = ?`
  }
  const replaceSqls = new Map<string, string>()
  const replaceSqlOf = (changed: readonly number[]): string => {
    const key = changed.join()
    const sql = replaceSqls.get(key) ?? replaceSql(changed)
    replaceSqls.set(key, sql)
    return sql
  }
  const deleteSql = `DELETE FROM ${table} WHERE id = ? AND version = ?`
  const select = `SELECT id, version, body FROM ${table}`
  const scanSql = `${select} WHERE id > ?${expiry ? ` AND ${notExpired(expiry)}` : ''}
    ORDER BY id LIMIT ?`
  const sweepSql = `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table}
    INDEXED BY ${quoted(`${tableNameOf(collection)}_${expiryIndex}`)}
    WHERE ${expiry} <= ? ORDER BY ${expiry}, id LIMIT ?) RETURNING id`

  return {
    insert: (id, version, values, text, now) => {
      const row = [id, version, ...values, text]
      return prepared(insertSql).run(...row, ...(expiry ? [now] : [])).changes !== 0
    },
    replace: (id, version, values, text, ifVersion, before) => {
      const changed = [...fields.keys()].filter((at) => values[at] !== before?.[at])
      const changes = changed.map((at) => values[at] ?? null)
      const statement = prepared(replaceSqlOf(changed))
      return statement.run(version, ...changes, text, id, ifVersion).changes !== 0
    },
    delete: (id, ifVersion) => prepared(deleteSql).run(id, ifVersion).changes !== 0,
    load: (ids) =>
      rows(`${select} WHERE id IN (SELECT value FROM json_each(?))`, JSON.stringify(ids)),
    find: (query, now) => {
      const { sql, values } = findSql(collection, query, now)
      return rows(sql, ...values.map(asColumn))
    },
    scan: (after, limit, now) => rows(scanSql, after, ...(expiry ? [now] : []), limit),
    sweep: (limit, now) => (expiry ? rows(sweepSql, now, limit).map(([id]) => id) : []),
  }
}

export const documentOf = ([id, version, body]: Row): StoredDocument => ({
  id,
  version,
  body: JSON.parse(body),
})
