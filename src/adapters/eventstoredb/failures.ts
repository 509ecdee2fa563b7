import { ErrorType, isCommandError } from '@eventstore/db-client'
import { EventTooLarge, Unavailable, VersionConflict } from '#ports/errors.ts'

/** We waited long enough: its fate is unknown. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  constructor(ms: number) {
    super(`There was no answer for ${ms} ms.`)
  }
}

export const closed = (): Unavailable =>
  new Unavailable('store/closed', 'The store has been closed.')

/** `type` of the client's errors; raw gRPC errors have none, and only a number as their code. */
export const typeOf = (error: unknown): ErrorType | undefined =>
  error instanceof Error && isCommandError(error) ? (error.type as ErrorType) : undefined

const invalidArgument = 3
const permissionDenied = 7
const unauthenticated = 16

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

export const isAccessDenied = (error: unknown): boolean =>
  typeOf(error) === ErrorType.ACCESS_DENIED ||
  codeOf(error) === permissionDenied ||
  codeOf(error) === unauthenticated

/** No stream of this name, or one that was removed: there is nothing to read. */
export const isAbsent = (error: unknown): boolean => {
  const type = typeOf(error)
  return type === ErrorType.STREAM_NOT_FOUND || type === ErrorType.STREAM_DELETED
}

export const accessDenied = (cause: unknown): Unavailable =>
  new Unavailable(
    'eventstore/access-denied',
    'EventStoreDB refuses our user: check the user and password in PABAL_EVENTSTORE_URL.',
    { cause },
  )

export const noAnswer = (what: string, cause: unknown): Unavailable =>
  new Unavailable(
    'eventstore/no-answer',
    `EventStoreDB did not answer ${what} in time, however often it was asked.`,
    { cause },
  )

/** Servers since 24.10 may be told to take no large event; the client does not know the error. */
const isEventTooLarge = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('exceeds Maximum Append Event Size')

/**
 * What an append's failure means when it is certain. `undefined`: its fate is unknown, and the same call
 * (same ids, same revision) may be made again.
 */
export const certainFailure = (error: unknown, stream: string): Error | undefined => {
  if (isAccessDenied(error)) return accessDenied(error)
  if (isEventTooLarge(error)) {
    const message =
      'EventStoreDB takes no event of this size: raise its MaxAppendEventSize to 1048576 or more.'
    return new EventTooLarge(message, { cause: error })
  }
  switch (typeOf(error)) {
    case ErrorType.WRONG_EXPECTED_VERSION:
    // A tombstone: somebody was first, and removed what was there.
    case ErrorType.STREAM_DELETED:
      return new VersionConflict(stream, { cause: error })
    case ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED:
      return new EventTooLarge(
        'EventStoreDB takes less at once: raise its MaxAppendSize to 1048576 or more.',
        { cause: error },
      )
    case ErrorType.INVALID_ARGUMENT:
    case ErrorType.INVALID_TRANSACTION:
      return error as Error
    default:
      return codeOf(error) === invalidArgument ? (error as Error) : undefined
  }
}
