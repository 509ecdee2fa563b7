import { type Db, MongoServerError } from 'mongodb'
import { indexesOf, refuseCollection } from '#ports/document-query.ts'
import type { CollectionDeclaration, IndexDeclaration } from '#ports/document-store.ts'
import { StartRefused } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'
import { within } from './connect.ts'
import { collectionNameOf, placeOf } from './stored-document.ts'

/** An index as the server is asked for it, and as it tells of it. */
interface IndexSpecification {
  readonly name: string
  readonly key: Readonly<Record<string, number>>
  readonly partialFilterExpression?: Readonly<Record<string, unknown>>
}

/** Ends with the id: ties are ordered by it, and pages go on after it. */
const specificationOf = ({ name, fields, partial }: IndexDeclaration): IndexSpecification => {
  const places = fields.map(placeOf)
  const key = Object.fromEntries([...places, '_id'].map((place) => [place, 1]))
  if (partial !== true) return { name, key }
  return { name, key, partialFilterExpression: { [places.at(-1)!]: { $exists: true } } }
}

const withoutPartial = ({ name, key }: IndexSpecification): IndexSpecification => ({ name, key })

const keyText = ({ key }: IndexSpecification): string =>
  JSON.stringify(Object.entries(key).map(([place, direction]) => [place, Number(direction)]))

const namespaceNotFound = 26
/** NotImplemented, CannotCreateIndex, InvalidIndexSpecificationOption: what servers answer that lack an option. */
const optionRefused: ReadonlySet<number> = new Set([238, 67, 197, 72])

const codeOf = (error: unknown): number | undefined =>
  error instanceof MongoServerError ? Number(error.code) : undefined

/** By its code, or by its words: not every server gives the code. */
const isNoCollection = (error: unknown): boolean =>
  codeOf(error) === namespaceNotFound ||
  (error instanceof MongoServerError && /ns not found/i.test(error.message))

/** Removes a collection with its indexes; one that is not there is fine. */
export const dropCollection = async (
  db: Db,
  collection: string,
  signal: AbortSignal,
): Promise<void> => {
  try {
    await db.command({ drop: collection, writeConcern: { w: 'majority' } }, { signal })
  } catch (error) {
    if (!isNoCollection(error)) throw error
  }
}

const existing = async (
  db: Db,
  collection: string,
  signal: AbortSignal,
): Promise<readonly IndexSpecification[]> => {
  try {
    const command = { listIndexes: collection, cursor: { batchSize: 1_000 } }
    const reply = await db.command(command, { signal })
    return reply.cursor.firstBatch
  } catch (error) {
    if (isNoCollection(error)) return []
    throw error
  }
}

export interface IndexState {
  readonly missing: readonly string[]
  /** There under a declared name, with other fields than declared. */
  readonly changed: readonly string[]
}

const stateOf = (
  wanted: readonly IndexSpecification[],
  found: readonly IndexSpecification[],
): IndexState => {
  const there = new Map(found.map((index) => [index.name, keyText(index)]))
  return {
    missing: wanted.filter(({ name }) => !there.has(name)).map(({ name }) => name),
    changed: wanted
      .filter((index) => (there.get(index.name) ?? keyText(index)) !== keyText(index))
      .map(({ name }) => name),
  }
}

/** How the indexes of a collection stand against its declaration. */
export const indexStateOf = async (
  db: Db,
  collection: CollectionDeclaration,
  signal: AbortSignal,
): Promise<IndexState> =>
  stateOf(
    indexesOf(collection).map(specificationOf),
    await existing(db, collectionNameOf(collection), signal),
  )

export interface CollectionIndexes {
  /** Makes the collection's indexes unless this process knows that they are there. */
  ensure(collection: CollectionDeclaration): Promise<void>
  /** Somebody may have dropped them. */
  forget(collection: CollectionDeclaration): void
}

/** `timeoutMs`: of each question. Building goes on at the server when it takes longer. */
export const createCollectionIndexes = (db: Db, log: Log, timeoutMs: number): CollectionIndexes => {
  const ready = new Map<string, { readonly layout: string; readonly made: Promise<void> }>()
  const layouts = new WeakMap<CollectionDeclaration, string>()
  let takesPartial = true

  const layoutOf = (collection: CollectionDeclaration): string => {
    const known = layouts.get(collection)
    if (known !== undefined) return known
    refuseCollection(collection)
    const layout = JSON.stringify(indexesOf(collection).map(specificationOf))
    layouts.set(collection, layout)
    return layout
  }

  const create = async (name: string, indexes: readonly IndexSpecification[]): Promise<void> => {
    const asked = takesPartial ? indexes : indexes.map(withoutPartial)
    try {
      await db.command({ createIndexes: name, indexes: asked }, { signal: within(timeoutMs) })
    } catch (error) {
      const isRefused = takesPartial && optionRefused.has(codeOf(error) ?? 0)
      if (!isRefused || asked.every((index) => index.partialFilterExpression === undefined))
        throw error
      // A whole index serves the same queries, which name its last field; it only takes more room.
      log.warn('The MongoDB server has no partial indexes; whole ones are made instead.', {
        collection: name,
      })
      takesPartial = false
      await create(name, indexes)
    }
  }

  const refuse = (collection: CollectionDeclaration): StartRefused =>
    new StartRefused(
      'store/index-changed',
      `The indexes of collection ${collection.name} version ${collection.version} are not those ` +
        "it was made with. Raise the collection's version: it is built beside the old one.",
    )

  const make = async (collection: CollectionDeclaration): Promise<void> => {
    const wanted = indexesOf(collection).map(specificationOf)
    if (wanted.length === 0) return
    const { missing, changed } = await indexStateOf(db, collection, within(timeoutMs))
    if (changed.length > 0) throw refuse(collection)
    if (missing.length === 0) return
    const absent = wanted.filter(({ name }) => missing.includes(name))
    await create(collectionNameOf(collection), absent)
  }

  return {
    ensure(collection) {
      const layout = layoutOf(collection)
      const name = collectionNameOf(collection)
      const known = ready.get(name)
      if (known?.layout === layout) return known.made
      if (known !== undefined) return Promise.reject(refuse(collection))
      const made = make(collection)
      const entry = { layout, made }
      ready.set(name, entry)
      made.catch(() => {
        if (ready.get(name) === entry) ready.delete(name)
      })
      return made
    },
    forget(collection) {
      ready.delete(collectionNameOf(collection))
    },
  }
}
