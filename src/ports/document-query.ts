import {
  type Change,
  type CollectionDeclaration,
  type DocumentBody,
  type Find,
  type IndexDeclaration,
  NotIndexed,
  type Scalar,
  type StoredDocument,
} from './document-store.ts'
import { DocumentTooLarge } from './errors.ts'

/** Most documents of one page, and most ids of one statement. */
export const documentsMax = 1_000

/** The leading fields hold the equalities, the next one the order. */
const serves = (index: IndexDeclaration, where: ReadonlySet<string>, order: string): boolean =>
  index.fields[where.size] === order &&
  index.fields.slice(0, where.size).every((field) => where.has(field)) &&
  // A partial index lacks documents without its last field: only an order by that field may miss them.
  (index.partial !== true || index.fields.length === where.size + 1)

/** The index that serves a query, on every adapter alike. Throws `NotIndexed`, `RangeError` for its limit. */
export const servingIndex = (
  collection: CollectionDeclaration,
  { where, range, order, limit }: Find,
): IndexDeclaration => {
  refuseLimit(limit)
  const fields = new Set(Object.keys(where))
  if (range !== undefined && range.field !== order.field)
    throw new NotIndexed(`The range is over ${range.field}, the order over ${order.field}.`)
  let best: IndexDeclaration | undefined
  for (const index of collection.indexes)
    if (serves(index, fields, order.field))
      if (best === undefined || index.fields.length < best.fields.length) best = index
  if (best !== undefined) return best
  throw new NotIndexed(
    `${collection.name} has no index over [${[...fields]}] in the order of ${order.field}.`,
  )
}

export const refuseLimit = (limit: number): void => {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= documentsMax))
    throw new RangeError(`A page has 1 to ${documentsMax} documents, not ${limit}.`)
}

const wellNamed = /^[a-z][a-z0-9-]{0,62}$/

/** Of the index that the stores make for what expires. */
export const expiryIndex = 'expires'

/** The declared indexes, and the one by which what has expired is found. */
export const indexesOf = ({
  indexes,
  expires,
}: CollectionDeclaration): readonly IndexDeclaration[] =>
  expires ? [...indexes, { name: expiryIndex, fields: [expires.field], partial: true }] : indexes

/** Throws for a declaration that no adapter may take. */
export const refuseCollection = (collection: CollectionDeclaration): void => {
  const { name, version } = collection
  const indexes = indexesOf(collection)
  if (!wellNamed.test(name) || !Number.isInteger(version) || version < 0)
    throw new TypeError(`${name} version ${version} does not name a collection.`)
  const names = new Set(indexes.map((index) => index.name))
  if (names.size < indexes.length || indexes.some((index) => index.fields.length === 0))
    throw new TypeError(`The indexes of ${name} need names of their own and at least one field.`)
}

/** Throws for a write that no adapter may take, before anything is changed. */
export const refuseChanges = (changes: readonly Change[]): void => {
  for (const change of changes) {
    const id = change.do === 'delete' ? change.id : change.document.id
    if (id === '' || !id.isWellFormed())
      throw new TypeError('The id of a document has to be a text without lone surrogates.')
    if (change.do === 'delete') continue
    if (!Number.isSafeInteger(change.document.version))
      throw new RangeError(`The version of ${id} has to be a whole number.`)
    if (change.do === 'replace' && change.document.version <= change.ifVersion)
      throw new RangeError(`The version of ${id} has to grow from ${change.ifVersion}.`)
  }
}

/** What every store takes of a body, in bytes of JSON. MongoDB takes 16 MiB, and the id and keys go beside it. */
export const bodyBytesMax = 15_000_000

/** What is stored of a body. Throws `TypeError` for what JSON cannot say, `DocumentTooLarge`. */
export const bodyTextOf = ({ id, body }: StoredDocument): string => {
  const text = JSON.stringify(body)
  if (text?.[0] !== '{') throw new TypeError(`The body of ${id} has to be a JSON object.`)
  // A UTF-16 unit takes at most three bytes of UTF-8: nearly every body is let through without counting.
  if (text.length * 3 > bodyBytesMax && Buffer.byteLength(text) > bodyBytesMax)
    throw new DocumentTooLarge(`The body of ${id} has more than ${bodyBytesMax} bytes of JSON.`)
  return text
}

/** Of the few paths that are declared. */
const knownKeys = new Map<string, readonly string[]>()

const keysOf = (path: string): readonly string[] => {
  const known = knownKeys.get(path)
  if (known !== undefined) return known
  const keys = path.split('.')
  knownKeys.set(path, keys)
  return keys
}

/**
 * The value of a dotted path for an index; a key that itself has a dot is not reached. Only text, numbers
 * and booleans are values: a list or an object is as good as absent.
 */
export const indexedValue = (body: DocumentBody, path: string): Scalar | undefined => {
  let value: unknown = body
  for (const key of keysOf(path)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    if (!Object.hasOwn(value, key)) return undefined
    value = (value as DocumentBody)[key]
  }
  const type = typeof value
  return type === 'string' || type === 'number' || type === 'boolean'
    ? (value as Scalar)
    : undefined
}

/** Whether a document has expired at a time, milliseconds since the epoch. */
export const hasExpired = (
  { expires }: Pick<CollectionDeclaration, 'expires'>,
  body: DocumentBody,
  now: number,
): boolean => {
  const at = expires && indexedValue(body, expires.field)
  return at !== undefined && compareScalars(at, now) <= 0
}

/** By code point, as UTF-8 bytes order; `<` orders by UTF-16 unit. */
export const compareTexts = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left === right) continue
    const surrogates = Number((left & 0xf800) === 0xd800) - Number((right & 0xf800) === 0xd800)
    return surrogates === 0 ? left - right : surrogates
  }
  return a.length - b.length
}

/** Numbers and booleans (as 0 and 1) before texts. */
export const compareScalars = (a: Scalar, b: Scalar): number => {
  if (typeof a === 'string') return typeof b === 'string' ? compareTexts(a, b) : 1
  return typeof b === 'string' ? -1 : Number(a) - Number(b)
}
