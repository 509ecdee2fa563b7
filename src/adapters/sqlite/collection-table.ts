import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { indexedValue, servingIndex } from '#ports/document-query.ts'
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
const fieldsOf = ({ indexes }: CollectionDeclaration): readonly string[] => [
  ...new Set(indexes.flatMap((index) => index.fields)),
]

/** Makes the table of a collection and its indexes; the body comes last so that they need not read past it. */
export const createTableSql = (collection: CollectionDeclaration): string => {
  const table = tableNameOf(collection)
  const fields = fieldsOf(collection)
  const column = (field: string | undefined): string => `f${fields.indexOf(field ?? '')}`
  const columns = fields.map((_, at) => `f${at} ANY,`).join(' ')
  const indexes = collection.indexes.map((index) => {
    const where = index.partial === true ? ` WHERE ${column(index.fields.at(-1))} IS NOT NULL` : ''
    return `CREATE INDEX ${quoted(`${table}_${index.name}`)}
      ON ${quoted(table)} (${index.fields.map(column).join(', ')}, id)${where};`
  })
  return `CREATE TABLE ${quoted(table)}
    (id TEXT PRIMARY KEY, version INTEGER NOT NULL, ${columns} body TEXT NOT NULL) STRICT;
    ${indexes.join('\n')}`
}

type Row = readonly [id: string, version: number, body: string]

/** The statements of one collection. Bodies go in and out as text. */
export interface CollectionTable {
  insert(id: string, version: number, body: DocumentBody, text: string): boolean
  /** `before`: the body that the row has if it has `ifVersion`; saves touching indexes that stay as they are. */
  replace(
    id: string,
    version: number,
    body: DocumentBody,
    text: string,
    ifVersion: number,
    before: DocumentBody | undefined,
  ): boolean
  delete(id: string, ifVersion: number): boolean
  load(ids: readonly string[]): readonly Row[]
  find(query: Find): readonly Row[]
  scan(after: string, limit: number): readonly Row[]
}

const asColumn = (value: Scalar | undefined): SQLInputValue => {
  if (typeof value === 'boolean') return Number(value)
  return value ?? null
}

/** The WHERE and ORDER of a query, and the values of its parameters in their order. */
const findSql = (
  collection: CollectionDeclaration,
  query: Find,
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
  const columnsOf = (body: DocumentBody): readonly SQLInputValue[] =>
    fields.map((field) => asColumn(indexedValue(body, field)))

  const names = fields.map((_, at) => `f${at}`)
  const columns = ['id', 'version', ...names, 'body']
  const places = columns.map(() => '?').join(', ')
  const insertSql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})
    ON CONFLICT DO NOTHING`
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

  return {
    insert: (id, version, body, text) =>
      prepared(insertSql).run(id, version, ...columnsOf(body), text).changes !== 0,
    replace: (id, version, body, text, ifVersion, before) => {
      const old = before && columnsOf(before)
      const changed: number[] = []
      const values: SQLInputValue[] = []
      for (const [at, value] of columnsOf(body).entries()) {
        if (old !== undefined && value === old[at]) continue
        changed.push(at)
        values.push(value)
      }
      const statement = prepared(replaceSqlOf(changed))
      return statement.run(version, ...values, text, id, ifVersion).changes !== 0
    },
    delete: (id, ifVersion) => prepared(deleteSql).run(id, ifVersion).changes !== 0,
    load: (ids) =>
      rows(`${select} WHERE id IN (SELECT value FROM json_each(?))`, JSON.stringify(ids)),
    find: (query) => {
      const { sql, values } = findSql(collection, query)
      return rows(sql, ...values.map(asColumn))
    },
    scan: (after, limit) => rows(`${select} WHERE id > ? ORDER BY id LIMIT ?`, after, limit),
  }
}

export const documentOf = ([id, version, body]: Row): StoredDocument => ({
  id,
  version,
  body: JSON.parse(body),
})
