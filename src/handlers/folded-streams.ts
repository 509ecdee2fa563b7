import type { Clock } from '#ports/clock.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'

export interface Folded<S> {
  readonly state: S | undefined
  /** -1: there is no such stream. */
  readonly revision: number
}

/** `readAtMs`: monotonic time at which the log was asked; it has all that was written before. */
export interface Recent<S> extends Folded<S> {
  readonly readAtMs: number
}

/** Folded states of streams that are read often and change seldom; only what came since is read and folded. */
export interface FoldedStreams<S> {
  /** As consistent as the log: reads the stream's tail. */
  load(stream: string): Promise<Folded<S>>
  /** As the log was at most `maxAgeMs` ago. */
  recent(stream: string, maxAgeMs: number): Promise<Recent<S>>
  /** However old, if that is enough; else as the log is now. For what never changes once it is there. */
  knowing(stream: string, isEnough: (state: S) => boolean): Promise<Folded<S>>
  /** This process has appended to it: what is kept is not recent. */
  changed(stream: string): void
}

const nothing = { state: undefined, revision: -1 }

export const createFoldedStreams = <S>(options: {
  readonly events: Pick<EventStore, 'read'>
  readonly evolve: (state: S | undefined, event: RecordedEvent) => S | undefined
  /** States kept at most; the least recently used goes first. */
  readonly entriesMax: number
  readonly clock: Pick<Clock, 'monotonic'>
}): FoldedStreams<S> => {
  const { events, evolve, entriesMax, clock } = options
  const kept = new Map<string, Recent<S>>()

  const keep = (stream: string, folded: Recent<S>): Recent<S> => {
    kept.delete(stream)
    kept.set(stream, folded)
    if (kept.size > entriesMax) kept.delete(kept.keys().next().value!)
    return folded
  }

  const load = async (stream: string): Promise<Recent<S>> => {
    const known: Folded<S> = kept.get(stream) ?? nothing
    const readAtMs = clock.monotonic()
    const tail = await events.read(stream, { after: known.revision })
    let { state } = known
    for (const event of tail) state = evolve(state, event)
    return keep(stream, { state, revision: tail.at(-1)?.revision ?? known.revision, readAtMs })
  }

  return {
    load,
    async recent(stream, maxAgeMs) {
      const known = kept.get(stream)
      return known && clock.monotonic() - known.readAtMs <= maxAgeMs ? known : load(stream)
    },
    async knowing(stream, isEnough) {
      const known = kept.get(stream)
      return known?.state !== undefined && isEnough(known.state) ? known : load(stream)
    },
    changed(stream) {
      const known = kept.get(stream)
      if (known) kept.set(stream, { ...known, readAtMs: Number.NEGATIVE_INFINITY })
    },
  }
}
