import type { Clock } from '#ports/clock.ts'
import { Unavailable } from '#ports/errors.ts'
import type {
  Appended,
  EventMetadata,
  EventStore,
  Expected,
  Json,
  NewEvent,
} from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'

/** What a decider gives, of any kind of stream. */
interface Decided {
  readonly type: string
  readonly data: object
  readonly personal?: object
}

/** Facts are appended until `signal` fires; somebody who waits for an answer is told after `waitMaxMs`. */
export interface Patience {
  readonly signal: AbortSignal
  readonly waitMaxMs?: number
}

export type Context = Omit<EventMetadata, 'at'>

/** Gives facts their id and time, and gets them into the log. */
export interface Recorder {
  record(facts: readonly Decided[], context: Context): readonly NewEvent[]
  /**
   * Appends until the fate is known: after `Unavailable` the very same call (same ids, same revision) is
   * repeated, so that it can succeed only once. Throws `VersionConflict`; `Unavailable` when patience ends.
   */
  appendSurely(
    stream: string,
    events: readonly NewEvent[],
    expected: Expected,
    patience: Patience,
  ): Promise<Appended>
  /** Reads until the log answers; throws `Unavailable` when patience ends. */
  surely<T>(stream: string, ask: () => Promise<T>, patience: Patience): Promise<T>
}

const firstRetryMs = 50
const retryCapMs = 5_000

export const createRecorder = (needs: {
  readonly events: EventStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}): Recorder => {
  const { events: store, clock, random, log } = needs

  const repeat = async <T>(
    stream: string,
    ask: () => Promise<T>,
    { signal, waitMaxMs = Infinity }: Patience,
    complaint: string,
  ): Promise<T> => {
    const start = clock.monotonic()
    for (let tries = 0; ; tries += 1) {
      try {
        return await ask()
      } catch (error) {
        if (!(error instanceof Unavailable) || signal.aborted) throw error
        if (clock.monotonic() - start >= waitMaxMs) throw error
        // Not sooner: a retry that meets the first write half-way gets no answer (EventStoreDB).
        const delayMs = Math.min(retryCapMs, firstRetryMs * 2 ** Math.min(tries, 10))
        log.warn(complaint, { stream, error })
        await clock.sleep(delayMs * (1 + random.fraction()), signal)
      }
    }
  }

  return {
    surely: (stream, ask, patience) =>
      repeat(stream, ask, patience, 'The log did not answer; it is asked again.'),
    record(facts, context) {
      const at = new Date(clock.now()).toISOString()
      return facts.map((fact) => ({
        id: random.uuid(),
        type: fact.type,
        schemaVersion: 1,
        data: fact.data as Json,
        ...(fact.personal && { personal: fact.personal as Json }),
        metadata: { at, ...context },
      }))
    },

    appendSurely: (stream, events, expected, patience) =>
      repeat(
        stream,
        () => store.append(stream, events, { expected }),
        patience,
        'The log did not take an append; the same call is repeated.',
      ),
  }
}
