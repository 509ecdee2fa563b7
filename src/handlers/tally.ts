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
import { createInTurn } from './in-turn.ts'
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
  /** Changes of the last slices: written here before the documents are. */
  readonly pending: readonly Move[]
}

/** Told after the writing. `false`: somebody else wrote some of them; they are looked at, not believed. */
export type Written = (all: boolean) => void

/** Counts along while one generation of a read model is fed. */
export interface Counting {
  /**
   * Called before documents are written; after a crash, what it was told is looked at again. Several may be
   * on their way, but never two of one document.
   */
  ahead(
    loaded: ReadonlyMap<string, StoredDocument>,
    changes: readonly Change[],
    groups: Groups,
  ): Promise<Written>
}

/** The moves of one slice. */
interface Slice {
  readonly moves: readonly Move[]
  is: 'under-way' | 'made' | 'doubted'
}

export interface Tallies {
  /**
   * `undefined`: this read model is not counted, or was begun before it was. `anew`: it has just been
   * emptied, and so is its count.
   */
  open(
    projection: Projection,
    name: string,
    of: CollectionDeclaration,
    anew?: boolean,
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
 * before its documents are written, and are counted with a later slice. Who finds them after a crash
 * looks at each document whether its move was made.
 */
const createCounting = (needs: {
  readonly documents: DocumentStore
  readonly of: CollectionDeclaration
  readonly classOf: (body: DocumentBody) => string
  readonly save: (next: TallyDocument) => Promise<void>
  readonly kept: TallyDocument
}): Counting => {
  const { documents, of, classOf, save, kept } = needs
  const inTurn = createInTurn()
  let past: Tally = { accepted: kept.accepted, statuses: kept.statuses }
  // Whether the last slices were written before we came is not known.
  let slices: readonly Slice[] = [{ moves: kept.pending, is: 'doubted' }]

  /** Those that were made, of moves that are not believed. What is known of a document as it is now is. */
  const looked = async (
    moves: readonly Move[],
    known: ReadonlyMap<string, StoredDocument | undefined>,
  ): Promise<readonly Move[]> => {
    const others = moves.map(({ id }) => id).filter((id) => !known.has(id))
    const found = others.length === 0 ? new Map() : await documents.load(of, others)
    return moves.flatMap((move) => {
      const document = known.has(move.id) ? known.get(move.id) : found.get(move.id)
      const unchanged = document === undefined || document.version === move.version
      return unchanged ? [] : [{ ...move, to: classOf(document.body) }]
    })
  }

  /** Counts the slices that have been written. */
  const settle = async (known: ReadonlyMap<string, StoredDocument | undefined>) => {
    const over = slices.filter(({ is }) => is !== 'under-way')
    const believed = over.filter(({ is }) => is === 'made').flatMap(({ moves }) => moves)
    const doubted = over.filter(({ is }) => is === 'doubted').flatMap(({ moves }) => moves)
    const made = [...believed, ...(await looked(doubted, known))]
    past = tallyAfter(past, made)
    slices = slices.filter((each) => !over.includes(each))
    return believed.length + doubted.length > 0
  }

  const movesOf = (
    loaded: ReadonlyMap<string, StoredDocument>,
    changes: readonly Change[],
    groups: Groups,
  ): readonly Move[] =>
    changes.flatMap((change): readonly Move[] => {
      if (change.do === 'delete') return []
      const before = loaded.get(change.document.id)
      const move = { id: change.document.id, to: classOf(change.document.body) }
      const begins = beginsWith(groups.get(move.id), versionBefore(change))
      if (!before) return [{ ...move, begins }]
      const from = classOf(before.body)
      return from === move.to ? [] : [{ ...move, version: before.version, from, begins }]
    })

  return {
    ahead: (loaded, changes, groups) =>
      inTurn(async () => {
        const asked = new Map([...groups.keys()].map((id) => [id, loaded.get(id)]))
        const counted = await settle(asked)
        const slice: Slice = { moves: movesOf(loaded, changes, groups), is: 'under-way' }
        if (slice.moves.length === 0 && !counted) return () => {}
        slices = [...slices, slice]
        await save({ ...past, pending: slices.flatMap(({ moves }) => moves) })
        return (all: boolean) => {
          slice.is = all ? 'made' : 'doubted'
        }
      }),
  }
}

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

  /** Only as long as nobody else does. */
  const saving = (name: string, known: number | undefined) => {
    let version = known
    return async (next: TallyDocument): Promise<void> => {
      const document = { id: name, version: (version ?? 0) + 1, body: { ...next } }
      const { conflicts } = await documents.write(collection, [
        version === undefined
          ? { do: 'insert', document }
          : { do: 'replace', document, ifVersion: version },
      ])
      if (conflicts.length > 0) throw new CheckpointMoved(name)
      version = document.version
    }
  }

  return {
    async open(projection, name, of, anew = false) {
      const { classOf } = projection
      // What expires goes without an event that could be counted.
      if (!classOf || of.expires) return undefined
      const found = await stored(name)
      if (!found && (await documents.scan(of, { limit: 1 })).length > 0) {
        log.warn('A read model is older than its count; it is counted after its next rebuild.', {
          projection: projection.name,
        })
        return undefined
      }
      const save = saving(name, found?.version)
      if (anew && found) await save(nothing)
      const kept = anew ? nothing : ((found?.body as TallyDocument | undefined) ?? nothing)
      return createCounting({ documents, of, classOf: (body) => classOf(body), save, kept })
    },
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
