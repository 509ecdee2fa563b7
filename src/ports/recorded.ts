/** A JSON object: what `JSON.parse` may give for `{…}`. */
export type Json = Readonly<Record<string, unknown>>

/** Who did it, when, and in the course of what. Never anything that identifies a recipient. */
export interface EventMetadata {
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string
  readonly app: string
  /** `key:<keyId>`, `provider:<name>`, `system:<handler>` or `cli`. */
  readonly actor: string
  readonly correlationId: string
  readonly causationId?: string
  readonly traceparent?: string
}

/** An event before it has a place in the log. */
export interface NewEvent {
  /** A random UUID, made once per append call and kept when that very call is retried. */
  readonly id: string
  readonly type: string
  readonly schemaVersion: number
  readonly data: Json
  /** All that identifies a person or quotes content. Kept apart so that it can be sealed. */
  readonly personal?: Json
  readonly metadata: EventMetadata
}

/** An event with its place in the log. Never changed after it was read: it may be shared. */
export interface RecordedEvent extends NewEvent {
  readonly stream: string
  /** Position in its stream, from 0, without gaps. */
  readonly revision: number
  /** Opaque place in the whole log; order with `comparePositions`. */
  readonly position: string
}
