import type { CrashPoints } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { DisposableEventFeed } from '#ports/event-feed.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { DisposableWorkQueue } from '#ports/work-queue.ts'
import type { Core } from './core.ts'
import type { LastFailure } from './watch-appends.ts'

/** What a campaign may put around the parts; nothing in normal use. */
export interface Around {
  readonly events?: (events: EventStore) => EventStore
  readonly documents?: (documents: DocumentStore) => DocumentStore
  readonly queue?: (queue: DisposableWorkQueue) => DisposableWorkQueue
  readonly crashPoints?: CrashPoints
  readonly log?: Log
}

/** The stores and the core on top of them, be they files of this process or servers that many share. */
export interface Base extends Core, AsyncDisposable {
  readonly lastAppendFailure: LastFailure
  /** The caller closes it, before the stores. */
  openQueue(onError: (error: unknown) => void): Promise<DisposableWorkQueue>
  /** In a cluster, where other services hear what happens here. The caller closes it. */
  openFeed?(): Promise<DisposableEventFeed>
  /** Copies log and read models into an empty directory. Refused where the servers do that themselves. */
  backup(directory: string): Promise<object>
  /** Embedded only: where a running service takes orders. */
  readonly controlPath?: string
  /** Embedded only: `PRAGMA synchronous` of the log. */
  readonly synchronous?: number
}
