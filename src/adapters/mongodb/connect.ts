import { MongoClient, MongoError } from 'mongodb'
import { StartRefused } from '#ports/errors.ts'

/** Of the address if it names none. */
export const databaseDefault = 'pabal'

/** The address without user, password and options, any of which may be secret, for messages. */
export const shown = (url: string): string => url.replace(/\/\/[^/]*@/, '//').replace(/\?.*$/s, '')

/** The database that an address names: `mongodb://host/NAME`. */
export const databaseOf = (url: string): string => {
  const [, name = ''] = /^[^/]*\/\/[^/]*\/([^?]*)/.exec(url) ?? []
  return name === '' ? databaseDefault : decodeURIComponent(name)
}

/**
 * Ends whatever a call waits for: a primary, a connection, an answer. The driver's own `timeoutMS` is without
 * effect since 7.9. A connection that is given up is closed, so no late answer meets another call.
 */
export const within = (ms: number): AbortSignal => AbortSignal.timeout(Math.max(1, Math.ceil(ms)))

export interface ConnectOptions {
  /** `mongodb://` or `mongodb+srv://`; may hold a user and password, and names the database. */
  readonly url: string
  /** Of every operation, waiting for a connection and for a primary included. */
  readonly timeoutMs: number
  readonly connectionsMax: number
}

/** Throws `StartRefused` (`documents/…`) for an address that is none. Connects to nothing yet. */
export const createClient = ({ url, timeoutMs, connectionsMax }: ConnectOptions): MongoClient => {
  try {
    return new MongoClient(url, {
      appName: 'pabal',
      // Ours are repeated by ourselves, on every server alike: see bulk-write.ts.
      retryWrites: false,
      maxPoolSize: connectionsMax,
      serverSelectionTimeoutMS: timeoutMs,
      connectTimeoutMS: timeoutMs,
      waitQueueTimeoutMS: timeoutMs,
      // Every call has a signal that ends it. This is for what the driver does by itself.
      socketTimeoutMS: timeoutMs + 1_000,
      readPreference: 'primary',
    })
  } catch (error) {
    // The driver's own words may quote the address, with the password in it.
    throw new StartRefused(
      'documents/address',
      'The address of MongoDB is not one. It has the form mongodb://user:password@host:27017/pabal.',
      { cause: error instanceof MongoError ? error.name : error },
    )
  }
}
