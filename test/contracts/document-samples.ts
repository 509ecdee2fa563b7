import { randomUUID } from 'node:crypto'
import type {
  Change,
  CollectionDeclaration,
  DocumentBody,
  DocumentStore,
  Find,
  StoredDocument,
} from '#ports/document-store.ts'

/** Databases may be shared with other tests: every test has collections of its own. */
export const newCollection = (
  indexes: CollectionDeclaration['indexes'] = [],
): CollectionDeclaration => ({ name: `test-${randomUUID()}`, version: 1, indexes })

/** Documents say in `until` when they expire. */
export const newExpiringCollection = (
  indexes: CollectionDeclaration['indexes'] = [],
): CollectionDeclaration => ({ ...newCollection(indexes), expires: { field: 'until' } })

export const document = (id: string, version: number, body: DocumentBody = {}): StoredDocument => ({
  id,
  version,
  body,
})

export const insert = (id: string, body: DocumentBody = {}, version = 0): Change => ({
  do: 'insert',
  document: document(id, version, body),
})

export const insertAll = async (
  store: DocumentStore,
  collection: CollectionDeclaration,
  bodies: Readonly<Record<string, DocumentBody>>,
): Promise<void> => {
  const { conflicts } = await store.write(
    collection,
    Object.entries(bodies).map(([id, body]) => insert(id, body)),
  )
  if (conflicts.length > 0) throw new Error(`These documents were there: ${conflicts}`)
}

export const idsOf = (documents: Iterable<StoredDocument>): readonly string[] =>
  Array.from(documents, ({ id }) => id)

/** All that a query finds, by pages of its limit. */
export const findAll = async (
  store: DocumentStore,
  collection: CollectionDeclaration,
  query: Find,
  orderValue: (document: StoredDocument) => string | number,
): Promise<readonly string[]> => {
  const ids: string[] = []
  for (let after = query.after; ; ) {
    const page = await store.find(collection, {
      ...query,
      ...(after === undefined ? {} : { after }),
    })
    if (page.length > query.limit) throw new Error('A page is larger than its limit.')
    ids.push(...idsOf(page))
    const last = page.at(-1)
    if (last === undefined) return ids
    after = { value: orderValue(last), id: last.id }
  }
}
