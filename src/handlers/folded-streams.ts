import type { EventStore, RecordedEvent } from '#ports/event-store.ts'

export interface Folded<S> {
  readonly state: S | undefined
  /** -1: there is no such stream. */
  readonly revision: number
}

/**
 * Folded states of streams that are read often and change seldom. Every load reads the stream's tail after
 * the state it kept, so the answer is as consistent as the log; only the folding is saved.
 */
export interface FoldedStreams<S> {
  load(stream: string): Promise<Folded<S>>
}

const nothing = { state: undefined, revision: -1 }

export const createFoldedStreams = <S>(options: {
  readonly events: EventStore
  readonly evolve: (state: S | undefined, event: RecordedEvent) => S | undefined
  /** States kept at most; the least recently used goes first. */
  readonly entriesMax: number
}): FoldedStreams<S> => {
  const { events, evolve, entriesMax } = options
  const kept = new Map<string, Folded<S>>()

  const keep = (stream: string, folded: Folded<S>): void => {
    kept.delete(stream)
    kept.set(stream, folded)
    if (kept.size > entriesMax) kept.delete(kept.keys().next().value!)
  }

  return {
    async load(stream) {
      const known = kept.get(stream) ?? nothing
      const tail = await events.read(stream, { after: known.revision })
      if (tail.length === 0) {
        if (known.revision >= 0) keep(stream, known)
        return known
      }
      let { state }: { state: S | undefined } = known
      for (const event of tail) state = evolve(state, event)
      const folded = { state, revision: tail.at(-1)!.revision }
      keep(stream, folded)
      return folded
    },
  }
}
