import type { Clock } from '#ports/clock.ts'
import {
  bodyTextOf,
  compareScalars,
  compareTexts,
  hasExpired,
  indexedValue,
  refuseChanges,
  refuseCollection,
  refuseLimit,
  servingIndex,
} from '#ports/document-query.ts'
import type {
  Change,
  CollectionDeclaration,
  DisposableDocumentStore,
  Find,
  Scalar,
  StoredDocument,
} from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import { deepFreeze } from './deep-freeze.ts'

type Documents = Map<string, StoredDocument>

const copyOf = (document: StoredDocument): StoredDocument =>
  deepFreeze({
    id: document.id,
    version: document.version,
    body: JSON.parse(bodyTextOf(document)),
  })

/** Throws for a body that JSON cannot say, before anything is written. */
const prepare = (change: Change): Change =>
  change.do === 'delete' ? change : { ...change, document: copyOf(change.document) }

type IsOver = (document: StoredDocument) => boolean

/** Whether it applied. */
const apply = (documents: Documents, change: Change, isOver: IsOver): boolean => {
  const id = change.do === 'delete' ? change.id : change.document.id
  const held = documents.get(id)
  const found = held && change.do === 'insert' && isOver(held) ? undefined : held
  if (found?.version !== (change.do === 'insert' ? undefined : change.ifVersion)) return false
  if (change.do === 'delete') documents.delete(id)
  else documents.set(id, change.document)
  return true
}

interface Candidate {
  readonly document: StoredDocument
  readonly value: Scalar
}

const compare = (a: Candidate, b: { value: Scalar; id: string }): number =>
  compareScalars(a.value, b.value) || compareTexts(a.document.id, b.id)

const candidatesOf = (
  documents: Iterable<StoredDocument>,
  { where, range, order }: Find,
): Candidate[] => {
  const candidates: Candidate[] = []
  for (const document of documents) {
    const value = indexedValue(document.body, order.field)
    if (value === undefined) continue
    const matches = Object.entries(where).every(([field, wanted]) => {
      const has = indexedValue(document.body, field)
      return has !== undefined && compareScalars(has, wanted) === 0
    })
    if (!matches) continue
    if (range?.from !== undefined && compareScalars(value, range.from) < 0) continue
    if (range?.to !== undefined && compareScalars(value, range.to) > 0) continue
    candidates.push({ document, value })
  }
  return candidates
}

const find = (documents: Iterable<StoredDocument>, query: Find): readonly StoredDocument[] => {
  const sign = query.order.direction === 'ascending' ? 1 : -1
  const { after } = query
  return candidatesOf(documents, query)
    .filter((candidate) => after === undefined || sign * compare(candidate, after) > 0)
    .sort((a, b) => sign * compare(a, { value: b.value, id: b.document.id }))
    .slice(0, query.limit)
    .map(({ document }) => document)
}

/** The documents of tests: copied when they come in, frozen when they go out, found by looking at all. Without a clock nothing expires. */
export const createMemoryDocumentStore = (clock?: Pick<Clock, 'now'>): DisposableDocumentStore => {
  const collections = new Map<string, Documents>()
  let closed = false

  const documentsOf = (collection: CollectionDeclaration): Documents => {
    if (closed) throw new Unavailable('store/closed', 'The store has been closed.')
    refuseCollection(collection)
    const key = `${collection.name} ${collection.version}`
    const documents = collections.get(key) ?? new Map()
    collections.set(key, documents)
    return documents
  }

  const overAt = (collection: CollectionDeclaration): IsOver => {
    const now = clock?.now() ?? Number.NEGATIVE_INFINITY
    return ({ body }) => hasExpired(collection, body, now)
  }

  const shown = (collection: CollectionDeclaration): readonly StoredDocument[] => {
    const isOver = overAt(collection)
    return [...documentsOf(collection).values()].filter((document) => !isOver(document))
  }

  return {
    load: async (collection, ids) => {
      const documents = documentsOf(collection)
      const isOver = overAt(collection)
      const found = new Map<string, StoredDocument>()
      for (const id of ids) {
        const document = documents.get(id)
        if (document !== undefined && !isOver(document)) found.set(id, document)
      }
      return found
    },
    write: async (collection, changes) => {
      const documents = documentsOf(collection)
      refuseChanges(changes)
      const isOver = overAt(collection)
      const conflicts: string[] = []
      for (const change of changes.map(prepare))
        if (!apply(documents, change, isOver))
          conflicts.push(change.do === 'delete' ? change.id : change.document.id)
      return { conflicts }
    },
    find: async (collection, query) => {
      const documents = shown(collection)
      servingIndex(collection, query)
      return find(documents, query)
    },
    scan: async (collection, { after, limit }) => {
      refuseLimit(limit)
      return shown(collection)
        .filter(({ id }) => after === undefined || compareTexts(id, after) > 0)
        .sort((a, b) => compareTexts(a.id, b.id))
        .slice(0, limit)
    },
    sweep: async (collection, limit) => {
      refuseLimit(limit)
      const documents = documentsOf(collection)
      const over = [...documents.values()].filter(overAt(collection))
      const at = ({ body }: StoredDocument) => indexedValue(body, collection.expires!.field)!
      over.sort((a, b) => compareScalars(at(a), at(b)) || compareTexts(a.id, b.id))
      const swept = over.slice(0, limit)
      for (const { id } of swept) documents.delete(id)
      return swept.length
    },
    drop: async (collection) => {
      documentsOf(collection).clear()
      collections.delete(`${collection.name} ${collection.version}`)
    },
    [Symbol.asyncDispose]: async () => {
      closed = true
    },
  }
}
