import { indexedValue, indexesOf } from '#ports/document-query.ts'
import type {
  CollectionDeclaration,
  DocumentBody,
  Scalar,
  StoredDocument,
} from '#ports/document-store.ts'

/**
 * A document as MongoDB keeps it. The body is its JSON text: keys with `$` and dots, which servers before
 * 5.0 refuse, stay what they are, and it costs a third less than nested BSON does. What the
 * indexes need stands beside it, as in the SQLite adapter: one value per declared path, or none.
 */
export interface Stored {
  readonly _id: string
  readonly v: number
  readonly b: string
  readonly k: Readonly<Record<string, string | number>>
  /** Of the call that wrote it: tells whether an attempt without an answer took effect. */
  readonly w: string
}

/** The physical name; a name has no underscore, so no two declarations share one. */
export const collectionNameOf = ({ name, version }: CollectionDeclaration): string =>
  `${name}_${version}`

/** A declared path as one key, which may have neither dots nor `$`: escaped like a JSON pointer (RFC 6901). */
const keyOf = (path: string): string =>
  path.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('$', '~2').replaceAll('.', '/')

/** Where the value of a declared path is found. */
export const placeOf = (path: string): string => `k.${keyOf(path)}`

/** Numbers and booleans (as 0 and 1) are ordered as one. */
export const asKey = (value: Scalar): string | number =>
  typeof value === 'boolean' ? Number(value) : value

const fields = new WeakMap<CollectionDeclaration, readonly (readonly [string, string])[]>()

const fieldsOf = (collection: CollectionDeclaration): readonly (readonly [string, string])[] => {
  const known = fields.get(collection)
  if (known !== undefined) return known
  const paths = new Set(indexesOf(collection).flatMap((index) => index.fields))
  const pairs = Array.from(paths, (path) => [path, keyOf(path)] as const)
  fields.set(collection, pairs)
  return pairs
}

/** The indexed values of a body, as reading its JSON would give it. */
export const keysOf = (
  collection: CollectionDeclaration,
  body: DocumentBody,
): Readonly<Record<string, string | number>> => {
  const keys: Record<string, string | number> = Object.create(null)
  for (const [path, key] of fieldsOf(collection)) {
    const value = indexedValue(body, path)
    if (value !== undefined) keys[key] = asKey(value)
  }
  return keys
}

/** What reading a document takes over the wire. */
export const projection = { v: 1, b: 1 } as const

export const documentOf = ({ _id, v, b }: Pick<Stored, '_id' | 'v' | 'b'>): StoredDocument => ({
  id: _id,
  version: v,
  body: JSON.parse(b),
})
