import type { Accept, Categories } from '#handlers/accept.ts'
import type { Apps } from '#handlers/apps.ts'
import type { CredentialsView } from '#handlers/credentials.ts'
import type { Operations } from '#handlers/operate.ts'
import type { Progress } from '#handlers/progress.ts'
import type { ReadModels } from '#handlers/read-models.ts'
import type { Receipts } from '#handlers/receipts.ts'
import type { Recipients } from '#handlers/recipients.ts'
import type { Templates } from '#handlers/templates.ts'
import type { ReceiptReader } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Tracing } from '#ports/telemetry.ts'
import type { WorkQueue } from '#ports/work-queue.ts'
import type { Health } from './health.ts'

export interface Limits {
  /** Per key; a line of a batch counts as a request. */
  readonly ratePerSecond: number
  readonly requestTimeoutMs: number
  /** A batch from which nothing is heard, or of which nothing is read, this long is ended. */
  readonly batchIdleMs: number
}

export const defaultLimits: Limits = {
  ratePerSecond: 20_000,
  requestTimeoutMs: 15_000,
  batchIdleMs: 15_000,
}

/** What is told to Prometheus. */
export interface Metrics {
  readonly contentType: string
  /** How everything stands; sources that fail are left out. */
  text(): Promise<string>
  /** Whether this is the token that was made for reading metrics; takes the same time for every text. */
  admits(token: string): boolean
  /** Told of each request that was answered. */
  onRequest(method: string, route: string, status: number, ms: number): void
}

/** All that the API needs of the rest. */
export interface ApiNeeds {
  readonly accept: Accept
  readonly operations: Operations
  readonly recipients: Recipients
  readonly templates: Templates
  readonly apps: Apps
  readonly receipts: Receipts
  readonly receiptReaders: ReadonlyMap<string, ReceiptReader>
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly readModels: ReadModels
  readonly queue: WorkQueue
  readonly credentials: CredentialsView
  readonly progress: () => readonly Progress[]
  readonly health: () => Promise<Health>
  /** No role `api`: only what tells how this process does is served. */
  readonly operationsOnly?: boolean
  readonly categories: Categories
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
  /** Absent: nothing is measured. */
  readonly metrics?: Metrics
  /** Absent: nobody asked for traces. */
  readonly tracing?: Tracing | undefined
  readonly version: string
}
