import type { EventLog } from './event-log.ts'
import type { Faults } from './faults.ts'

/** What the handlers of all calls share. */
export interface Serving {
  readonly log: EventLog
  readonly faults: Faults
  /** Host and port of the node that leads, when this one does not. */
  readonly leader: () => { readonly host: string; readonly port: number } | undefined
  /** Cuts every connection. */
  readonly dropConnections: () => void
  /** The same ids again within so many ms of their first write get no answer; 0: they do. */
  readonly unindexedMs: () => number
  /** The user that is let in; `undefined`: everybody is. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined
  readonly counts: ServingCounts
  /** By its own clock. */
  readonly now: () => number
}

export interface ServingCounts {
  appends: number
  batchAppends: number
  /** Opened and not yet ended. */
  subscriptions: number
  /** Where the newest of them began to look. */
  lastStart: number
  reads: number
  featuresCalls: number
  /** Messages of subscriptions that were handed to the transport. */
  sent: number
}

/** Whether the call brings the right user. A double speaks no TLS, and no client sends its user without. */
export const isLetIn = (
  credentials: Serving['credentials'],
  authorization: string | Buffer | undefined,
): boolean => {
  if (credentials === undefined) return true
  const { username, password } = credentials
  return authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
