import type {
  Change,
  CollectionDeclaration,
  DocumentBody,
  DocumentStore,
  StoredDocument,
} from '#ports/document-store.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Projection } from '#projections/projection.ts'
import { CheckpointMoved } from './checkpoints.ts'
import type { Groups } from './gathering.ts'
import type { ReadModels } from './read-models.ts'

/** How many documents of a read model are in which class, and how many there were ever begun. */
export interface Tally {
  readonly accepted: number
  readonly statuses: Readonly<Record<string, number>>
}

/** A change that is about to be made to a document; counted when it turns out that it was. */
interface Move {
  readonly id: string
  /** Version and class before; absent: there was no document. */
  readonly version?: number
  readonly from?: string
  readonly to: string
  /** Its stream's first event is among those folded. */
  readonly begins: boolean
}

interface TallyDocument extends Tally {
  /** Changes of the last slice: written here before the documents are. */
  readonly pending: readonly Move[]
}

/** Counts along while one generation of a read model is fed. */
export interface Counting {
  /** Called before documents are written; after a crash, what it was told is looked at again. */
  ahead(
    loaded: ReadonlyMap<string, StoredDocument>,
    changes: readonly Change[],
    groups: Groups,
  ): Promise<void>
  /** Somebody else wrote some of them: what is pending is looked up instead of believed. */
  doubt(): void
}

export interface Tallies {
  /** `undefined`: this read model is not counted, or was begun before it was. */
  open(
    projection: Projection,
    name: string,
    of: CollectionDeclaration,
  ): Promise<Counting | undefined>
  remove(name: string): Promise<void>
  /** Of the notifications, as stored by whoever feeds the read model. `undefined`: not counted yet. */
  read(): Promise<Tally | undefined>
}

const collection: CollectionDeclaration = { name: 'tallies', version: 1, indexes: [] }
const nothing: TallyDocument = { accepted: 0, statuses: {}, pending: [] }

/** The counts once these moves have been made. */
export const tallyAfter = (
  { accepted, statuses }: Tally,
  moves: readonly Pick<Move, 'from' | 'to' | 'begins'>[],
): Tally => {
  const next: Record<string, number> = { ...statuses }
  let begun = accepted
  for (const { from, to, begins } of moves) {
    if (from !== undefined) next[from] = (next[from] ?? 0) - 1
    next[to] = (next[to] ?? 0) + 1
    if (begins) begun += 1
  }
  return { accepted: begun, statuses: next }
}

const versionBefore = (change: Change): number | undefined =>
  change.do === 'insert' ? undefined : change.ifVersion

const beginsWith = (group: readonly RecordedEvent[] | undefined, version: number | undefined) =>
  version === undefined && group?.[0]?.revision === 0

/**
 * Exact although documents and counts are not written together: the moves of a slice stand in the tally
 * before its documents are written, and are counted with the next slice. Who finds them after a crash
 * looks at each document whether its move was made.
 */
export const createTallies = (needs: {
  readonly documents: DocumentStore
  readonly readModels: ReadModels
  readonly log: Log
  /** Whose tally `read` answers, and under which name each of its generations is counted. */
  readonly counted: Projection
  readonly nameOf: (projection: Projection, generation: number) => string
}): Tallies => {
  const { documents, readModels, log } = needs

  const stored = async (name: string) => (await documents.load(collection, [name])).get(name)

  const open: Tallies['open'] = async (projection, name, of) => {
    const { classOf } = projection
    if (!classOf) return undefined
    const found = await stored(name)
    if (!found && (await documents.scan(of, { limit: 1 })).length > 0) {
      log.warn('A read model is older than its count; it is counted after its next rebuild.', {
        projection: projection.name,
      })
      return undefined
    }
    let version = found?.version
    let kept = (found?.body as TallyDocument | undefined) ?? nothing
    // Whether the last slice was written before we came is not known.
    let doubted = kept.pending.length > 0
    const toOf = (body: DocumentBody) => classOf(body)

    /** Those of the last slice that were made. What was loaded for the next one is believed. */
    const made = async (loaded: ReadonlyMap<string, StoredDocument>): Promise<readonly Move[]> => {
      if (!doubted) return kept.pending
      const others = kept.pending.map((move) => move.id).filter((id) => !loaded.has(id))
      const looked = await documents.load(of, others)
      doubted = false
      return kept.pending.flatMap((move) => {
        const document = loaded.get(move.id) ?? looked.get(move.id)
        const unchanged = document === undefined || document.version === move.version
        return unchanged ? [] : [{ ...move, to: toOf(document.body) }]
      })
    }

    return {
      async ahead(loaded, changes, groups) {
        const past = tallyAfter(kept, await made(loaded))
        const pending = changes.flatMap((change): readonly Move[] => {
          if (change.do === 'delete') return []
          const before = loaded.get(change.document.id)
          const was = versionBefore(change)
          const move = { id: change.document.id, to: toOf(change.document.body) }
          const begins = beginsWith(groups.get(move.id), was)
          if (!before) return [{ ...move, begins }]
          const from = toOf(before.body)
          return from === move.to ? [] : [{ ...move, version: before.version, from, begins }]
        })
        if (pending.length === 0 && kept.pending.length === 0) return
        const next = { ...past, pending }
        const document = { id: name, version: (version ?? 0) + 1, body: { ...next } }
        const { conflicts } = await documents.write(collection, [
          version === undefined
            ? { do: 'insert', document }
            : { do: 'replace', document, ifVersion: version },
        ])
        if (conflicts.length > 0) throw new CheckpointMoved(name)
        version = document.version
        kept = next
      },
      doubt() {
        doubted = true
      },
    }
  }

  return {
    open,
    async remove(name) {
      const found = await stored(name)
      if (!found) return
      await documents.write(collection, [{ do: 'delete', id: name, ifVersion: found.version }])
    },
    async read() {
      const { active } = await readModels.generations(needs.counted)
      const found = await stored(needs.nameOf(needs.counted, active))
      if (!found) return undefined
      const { pending, ...tally } = found.body as unknown as TallyDocument
      return tallyAfter(tally, pending)
    },
  }
}
