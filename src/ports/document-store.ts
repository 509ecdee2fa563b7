/** What one index serves: equality on all of `fields` but the last ones used for the order. */
export interface IndexDeclaration {
  readonly name: string
  /**
   * Dotted paths into the body, in order. A `find` is served by an index when its `where` names a leading
   * part of them and its `range` and `order` name the next one.
   */
  readonly fields: readonly string[]
  /** Documents without a value for the last field are not in the index (and are not found through it). */
  readonly partial?: boolean
}

export interface CollectionDeclaration {
  readonly name: string
  /** A change of shape or indexes takes the next version, which is built beside the old one. */
  readonly version: number
  readonly indexes: readonly IndexDeclaration[]
  readonly expires?: Expiry
}

/** Documents that serve for a limited time. The stores make an index named `expires` for it. */
export interface Expiry {
  /**
   * Dotted path to when a document expires, milliseconds since the epoch. Its writer reckons it from the time
   * of an event, never from now: else a rebuild would give another one. Without a number there it never does
   * (`false` and `true` are 0 and 1, as in every index).
   */
  readonly field: string
}

export type Scalar = string | number | boolean
/** A JSON object. */
export type DocumentBody = Readonly<Record<string, unknown>>

export interface StoredDocument {
  readonly id: string
  /** Given by the writer; starts at any number, must grow. */
  readonly version: number
  readonly body: DocumentBody
}

export type Change =
  | { readonly do: 'insert'; readonly document: StoredDocument }
  | { readonly do: 'replace'; readonly document: StoredDocument; readonly ifVersion: number }
  | { readonly do: 'delete'; readonly id: string; readonly ifVersion: number }

export interface Find {
  readonly where: Readonly<Record<string, Scalar>>
  readonly range?: {
    readonly field: string
    readonly from?: string | number
    /** Included. */
    readonly to?: string | number
  }
  /** The field after those of `where` in the index; ties are ordered by id the same way. */
  readonly order: { readonly field: string; readonly direction: 'ascending' | 'descending' }
  /** Of the last document seen: exclusive. */
  readonly after?: { readonly value: string | number; readonly id: string }
  /** 1 to 1,000. */
  readonly limit: number
}

/** No declared index serves this query. A bug of the caller, on every adapter alike. */
export class NotIndexed extends Error {
  override readonly name = 'NotIndexed'
}

/**
 * Read models, checkpoints, leases, reservations: derivable or short-lived. Written by optimistic
 * versions only; there is no update language. A collection is addressed by its declaration: two versions
 * of a name are two collections.
 *
 * From the moment on at which a document expires, by the clock that the store was opened with, no reading
 * shows it and its id is free to be inserted; `sweep` removes it some time later. Whoever has loaded it before
 * may still replace or delete that version of it until then.
 */
export interface DocumentStore {
  load(
    collection: CollectionDeclaration,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, StoredDocument>>

  /**
   * Applies each change on its own; answers the ids whose version (or absence) was not as expected, or that
   * somebody else has changed again meanwhile: whoever is told so loads again. After `Unavailable` it is
   * unknown which changes took effect.
   */
  write(
    collection: CollectionDeclaration,
    changes: readonly Change[],
  ): Promise<{ readonly conflicts: readonly string[] }>

  find(collection: CollectionDeclaration, query: Find): Promise<readonly StoredDocument[]>

  /** Every document in id order, for verification: a page after an id. `limit` 1 to 1,000. */
  scan(
    collection: CollectionDeclaration,
    options: { readonly after?: string; readonly limit: number },
  ): Promise<readonly StoredDocument[]>

  /**
   * Removes documents that have expired, longest ago first; answers how many. `limit`, 1 to 1,000: when it is
   * reached, more may be left.
   */
  sweep(collection: CollectionDeclaration, limit: number): Promise<number>

  /** Removes the collection and all its documents; unknown ones are fine. */
  drop(collection: CollectionDeclaration): Promise<void>
}

export type DisposableDocumentStore = DocumentStore & AsyncDisposable
