import type {
  CollectionDeclaration,
  DocumentBody,
  Expiry,
  IndexDeclaration,
} from '#ports/document-store.ts'
import type { RecordedEvent } from '#ports/recorded.ts'

/**
 * A read model as a value: how events change its documents. Pure, so that it can be replayed at any time
 * and gives the same documents again.
 */
export interface Projection<Body extends DocumentBody = DocumentBody> {
  readonly name: string
  /** Raised with every change of shape, of indexes or of `evolve`; the read model is then built anew. */
  readonly version: number
  readonly indexes: readonly IndexDeclaration[]
  /**
   * Documents serve for a limited time. When it ends is reckoned from the event that begins the document, and no
   * later one moves it. An event after that finds nothing: unless it can begin a document by itself, `evolve` has to
   * answer `undefined`, so that what was swept never comes back in part.
   */
  readonly expires?: Expiry
  /** A document holds a whole stream: it begins with the first event, or not at all. */
  readonly fromFirst?: true
  /**
   * The document an event belongs to; `undefined`: not of this read model. Throws `UnknownEvent`, as `evolve` does,
   * for what only a newer version knows: passed over once, it would be missing for ever.
   */
  idOf(event: RecordedEvent): string | undefined
  /** `undefined`: there is no document (any more). */
  evolve(body: Body | undefined, event: RecordedEvent): Body | undefined
  /** Another event of the same document will likely be recorded within moments. */
  moreFollows?(event: RecordedEvent): boolean
  /** Called once after a batch of events, for what is costly to derive after each. */
  finish?(body: Body): Body
  /** Documents are counted by this: one of a few words. */
  classOf?(body: Body): string
  /**
   * Present when a document is exactly one stream: what is missing in between is then read from there, and
   * the read model can be recovered from a mark, what is open first and history behind it.
   */
  readonly wholeStream?: {
    streamOf(id: string): string
    /** Something is still to be done, on time. */
    isOpen(body: Body): boolean
  }
  /** What stays of a document whose event could not be folded. */
  poisoned?(body: Body | undefined, event: RecordedEvent, error: string): Body
}

type Named = Pick<Projection, 'name' | 'version' | 'indexes' | 'expires'>

/** Stores know a collection again by its declaration: a new one each time would be looked up each time. */
const declared = new WeakMap<Named, Map<number, CollectionDeclaration>>()

/** Rebuilt read models stand beside each other: `generation` counts the rebuilds of one version. */
export const collectionOf = (projection: Named, generation: number): CollectionDeclaration => {
  const known = declared.get(projection) ?? new Map<number, CollectionDeclaration>()
  declared.set(projection, known)
  const collection = known.get(generation) ?? {
    name: projection.name,
    version: projection.version * 1_000 + generation,
    indexes: projection.indexes,
    ...(projection.expires && { expires: projection.expires }),
  }
  known.set(generation, collection)
  return collection
}
