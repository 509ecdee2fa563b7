import type { Clock } from '#ports/clock.ts'
import type { CollectionDeclaration, DocumentStore } from '#ports/document-store.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'

/** Which generation of each read model is asked, and which others are fed beside it. */
export interface ReadModels {
  /** The collection that queries use. */
  active(projection: Projection): Promise<CollectionDeclaration>
  generations(projection: Projection): Promise<Generations>
  change(projection: Projection, change: (now: Generations) => Generations): Promise<Generations>
}

export interface Generations {
  readonly active: number
  /** A generation that is being built; it becomes active when it has caught up. */
  readonly building?: number
  /** Replaced, and not dropped yet. */
  readonly retired?: readonly number[]
}

const aliases: CollectionDeclaration = { name: 'aliases', version: 1, indexes: [] }
/** Another process may have switched: an answer is believed this long. */
const aliasAgeMaxMs = 1_000
const first: Generations = { active: 0 }

export const createReadModels = (needs: {
  readonly documents: DocumentStore
  readonly clock: Clock
}): ReadModels => {
  const { documents, clock } = needs
  const known = new Map<string, { readonly generations: Generations; readonly readAtMs: number }>()
  const idOf = (projection: Projection) => `${projection.name}@${projection.version}`

  const stored = async (projection: Projection) =>
    (await documents.load(aliases, [idOf(projection)])).get(idOf(projection))

  const remember = (projection: Projection, generations: Generations): Generations => {
    known.set(idOf(projection), { generations, readAtMs: clock.monotonic() })
    return generations
  }

  const generations = async (projection: Projection): Promise<Generations> => {
    const kept = known.get(idOf(projection))
    if (kept && clock.monotonic() - kept.readAtMs < aliasAgeMaxMs) return kept.generations
    const document = await stored(projection)
    return remember(projection, (document?.body as Generations | undefined) ?? first)
  }

  return {
    generations,
    async active(projection) {
      return collectionOf(projection, (await generations(projection)).active)
    },
    async change(projection, change) {
      for (;;) {
        const document = await stored(projection)
        const body = change((document?.body as Generations | undefined) ?? first)
        const version = (document?.version ?? 0) + 1
        const next = { id: idOf(projection), version, body: { ...body } }
        const { conflicts } = await documents.write(aliases, [
          document
            ? { do: 'replace', document: next, ifVersion: document.version }
            : { do: 'insert', document: next },
        ])
        if (conflicts.length === 0) return remember(projection, body)
      }
    },
  }
}
