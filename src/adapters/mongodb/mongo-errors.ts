import {
  MongoClientClosedError,
  MongoError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoServerClosedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
} from 'mongodb'
import { DocumentTooLarge, Unavailable } from '#ports/errors.ts'

type Condition = readonly [code: string, message: string]

const unreachable: Condition = [
  'documents/unreachable',
  'MongoDB does not answer. It is tried again by itself.',
]
const timeout: Condition = ['documents/timeout', 'MongoDB did not answer in time.']
const noPrimary: Condition = ['documents/no-primary', 'MongoDB has no primary at the moment.']
const credentials: Condition = [
  'documents/credentials',
  'MongoDB refuses the user or lets it do too little. Check the credentials in the address: the ' +
    'user needs the role readWrite on the database.',
]
const diskFull: Condition = ['documents/disk-full', "The disk of MongoDB's server is full."]
const notDurable: Condition = [
  'documents/not-durable',
  'A majority of the MongoDB replica set did not confirm the write. Check its members.',
]

/** https://www.mongodb.com/docs/manual/reference/error-codes/ */
const conditions: Readonly<Record<number, Condition>> = {
  6: unreachable, // HostUnreachable
  7: unreachable, // HostNotFound
  13: credentials, // Unauthorized
  18: credentials, // AuthenticationFailed
  26: timeout, // NamespaceNotFound: somebody dropped the collection meanwhile
  43: timeout, // CursorNotFound: the server was started anew, or the collection dropped
  50: timeout, // MaxTimeMSExpired
  64: notDurable, // WriteConcernTimeout
  79: notDurable, // UnknownReplWriteConcern
  89: unreachable, // NetworkTimeout
  91: noPrimary, // ShutdownInProgress
  100: notDurable, // UnsatisfiableWriteConcern
  112: timeout, // WriteConflict: the server gave up repeating it
  133: noPrimary, // FailedToSatisfyReadPreference
  134: noPrimary, // ReadConcernMajorityNotAvailableYet
  175: timeout, // QueryPlanKilled: somebody dropped the collection meanwhile
  189: noPrimary, // PrimarySteppedDown
  215: timeout, // DatabaseDropPending
  237: timeout, // CursorKilled
  262: timeout, // ExceededTimeLimit
  276: timeout, // IndexBuildAborted: somebody dropped the collection meanwhile
  8000: credentials, // AtlasError: authentication
  9001: unreachable, // SocketException
  10058: noPrimary, // LegacyNotPrimary
  10107: noPrimary, // NotWritablePrimary
  11600: noPrimary, // InterruptedAtShutdown
  11601: timeout, // Interrupted
  11602: noPrimary, // InterruptedDueToReplStateChange
  13435: noPrimary, // NotPrimaryNoSecondaryOk
  13436: noPrimary, // NotPrimaryOrSecondary
  14031: diskFull, // OutOfDiskSpace
}

const tooLarge: ReadonlySet<number> = new Set([10334, 17419, 17420, 17280])

const conditionOf = (error: MongoError): Condition | undefined => {
  if (error instanceof MongoServerError) return conditions[Number(error.code)]
  if (error instanceof MongoNetworkTimeoutError) return timeout
  // Thrown by the driver of its own accord, whatever it says of `timeoutMS`.
  if (error instanceof MongoOperationTimeoutError) return timeout
  if (error instanceof MongoServerSelectionError) return unreachable
  if (error instanceof MongoNetworkError) return unreachable
  // The driver does not export its class: no connection of the pool became free.
  if (error.name === 'MongoWaitQueueTimeoutError') return timeout
  return undefined
}

const isClosed = (error: unknown): boolean =>
  error instanceof MongoClientClosedError ||
  error instanceof MongoTopologyClosedError ||
  error instanceof MongoServerClosedError ||
  error instanceof MongoNotConnectedError

/** Of Node's sockets. The driver lets some of them through, as EPIPE when it writes to a socket that has just ended. */
const socketErrors: ReadonlySet<unknown> = new Set([
  ...['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'ETIMEDOUT', 'EHOSTUNREACH'],
  ...['ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'ERR_STREAM_PREMATURE_CLOSE'],
])

const isOfSocket = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && socketErrors.has(error.code)

/** What the server or the way to it did becomes `Unavailable`; the rest stays what it is, a bug. */
export const asPortError = (error: unknown): unknown => {
  if (isClosed(error)) return closed({ cause: error })
  // The signal of a call fired: see `within`.
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return new Unavailable(timeout[0], timeout[1], { cause: error })
  if (isOfSocket(error)) return new Unavailable(unreachable[0], unreachable[1], { cause: error })
  if (!(error instanceof MongoError)) return error
  if (error instanceof MongoServerError && tooLarge.has(Number(error.code)))
    return new DocumentTooLarge('MongoDB takes no document of more than 16 MiB.', { cause: error })
  const condition = conditionOf(error)
  if (condition === undefined) return error
  return new Unavailable(condition[0], condition[1], { cause: error })
}

export const closed = (options?: ErrorOptions): Unavailable =>
  new Unavailable('store/closed', 'The store has been closed.', options)

const passing: ReadonlySet<string> = new Set([unreachable[0], noPrimary[0]])

/** Whether trying the same again at once may help: the driver waits for a primary by itself. */
export const isPassing = (error: unknown): boolean =>
  error instanceof Unavailable && passing.has(error.code)
