/** Somebody appended first: read and decide anew. */
export class VersionConflict extends Error {
  override readonly name = 'VersionConflict'
  readonly stream: string

  constructor(stream: string, options?: ErrorOptions) {
    super(`Somebody appended to ${stream} first.`, options)
    this.stream = stream
  }
}

/** The other side did not answer, or cannot now; whether it acted is unknown. Try again later. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  /** Stable code, listed in docs/errors.md, for instance `store/disk-full`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** One event is larger than the log takes. */
export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge'
}

/** The body of a document is larger than any store takes. A fault of the caller: trying again does not help. */
export class DocumentTooLarge extends RangeError {
  override readonly name = 'DocumentTooLarge'
  readonly code = 'documents/too-large'
}

/** The service cannot start like this; the message says what to do. Ends the process with code 1. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
