import type { NewEvent, RecordedEvent } from './recorded.ts'

export type { EventMetadata, Json, NewEvent, RecordedEvent } from './recorded.ts'

/** The revision the decision was made on, or `no-stream` when it must not exist yet. */
export type Expected = 'no-stream' | number

export interface Appended {
  /** Revision of the last event written. */
  readonly revision: number
  readonly position: string
}

export interface LogPage {
  readonly events: readonly RecordedEvent[]
  /** Safe to persist once all events of this page have been processed. */
  readonly checkpoint: string
  /** The page reaches the head of the log as it was when the page was read. */
  readonly atHead: boolean
}

/**
 * The log, the only record. An append is durable when its promise resolves.
 *
 * A retried call (same ids, same `expected`) succeeds again with the first result; of two calls at one
 * revision exactly one succeeds, the other gets `VersionConflict`. Other failures are `Unavailable`
 * (fate unknown: retry the very same call until it is known) or a bug.
 */
export interface EventStore {
  /** Names this log for ever; a checkpoint of another log is worthless here. */
  readonly logId: string

  /** Writes 1 to 1,000 events, all or none. Each at most 1 MB of JSON, else `EventTooLarge`. */
  append(
    stream: string,
    events: readonly NewEvent[],
    options: { readonly expected: Expected },
  ): Promise<Appended>

  /** All events of a stream after a revision (default: from the start), oldest first; `[]` for an unknown stream. */
  read(stream: string, options?: { readonly after?: number }): Promise<readonly RecordedEvent[]>

  /** One page of the whole log, oldest first. `limit` 1 to 10,000. */
  readAll(options: { readonly after?: string; readonly limit: number }): Promise<LogPage>

  /**
   * Follows the log without end: pages of at most `limit` (default 1,000) events as they come; waits at
   * the head. Ends when `signal` fires. Never yields an empty page.
   */
  subscribe(options: {
    readonly after?: string
    readonly limit?: number
    readonly signal: AbortSignal
  }): AsyncIterable<LogPage>

  /** Position of the newest event, `undefined` for an empty log. */
  head(): Promise<string | undefined>

  /** Negative when `a` lies before `b`. */
  comparePositions(a: string, b: string): number
}

export type DisposableEventStore = EventStore & AsyncDisposable
