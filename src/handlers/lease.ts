import type { CollectionDeclaration, StoredDocument } from '#ports/document-store.ts'

/** Who has a role that only one process may have. */
export interface LeaseBody {
  /** Random, new with each taking: nobody else's, not even after the store was dropped. */
  readonly token: string
  /** Moves for as long as the holder lives. */
  readonly counter: number
  /** Host and process, for people. */
  readonly holder: string
  /** Given back: nobody has to wait. */
  readonly released?: boolean
}

/** One document per role. */
export const leases: CollectionDeclaration = { name: 'leases', version: 1, indexes: [] }

/** A standby takes over when the counter stood still this long, on the standby's own monotonic clock. */
export const standStillMs = 15_000
export const renewEveryMs = 3_000
export const lookEveryMs = 1_000
/**
 * A holder that could not renew is sure for this long, from when its last renewal was sent: no standby
 * began to count earlier. The rest of `standStillMs` is for clocks that run unevenly.
 */
export const sureMs = 12_000

/** A look at the lease: when it was asked for, and when the answer was there. Monotonic milliseconds. */
export interface Look {
  readonly askedMs: number
  readonly answeredMs: number
}

/** A counter as this process came to see it. */
export interface Sighting {
  readonly token: string
  readonly counter: number
  /** Monotonic: the counter stood like this then, at the latest. */
  readonly sinceMs: number
}

export type Verdict =
  /** Nobody has it, or who had it stands still. */
  | { readonly is: 'free' }
  /** Ours, though nobody told us: an answer was lost, or we were not sure for a while. */
  | { readonly is: 'ours' }
  | { readonly is: 'held'; readonly seen: Sighting }

const bodyOf = (document: StoredDocument): LeaseBody => document.body as unknown as LeaseBody

/**
 * What a standby makes of the lease. `own` is the token under which it had or tried to have it. Only what
 * surely passed between two answers counts: a standby that was paused itself does not take over for that.
 */
export const judge = (
  document: StoredDocument | undefined,
  look: Look,
  { seen, own }: { readonly seen?: Sighting | undefined; readonly own?: string | undefined },
): Verdict => {
  if (document === undefined) return { is: 'free' }
  const { token, counter, released } = bodyOf(document)
  if (released) return { is: 'free' }
  if (token === own) return { is: 'ours' }
  if (seen?.token !== token || seen.counter !== counter) {
    return { is: 'held', seen: { token, counter, sinceMs: look.answeredMs } }
  }
  if (look.askedMs - seen.sinceMs >= standStillMs) return { is: 'free' }
  return { is: 'held', seen }
}

/**
 * By how much a version grows when somebody takes over what is guarded by versions. As random as the
 * token: after the store was dropped and filled again, no version that an old holder knows comes back.
 */
export const leapOf = (token: string): number => 1 + Number.parseInt(token.slice(0, 8), 16)

/** The lease as it is after `token` took it. */
export const taken = (
  role: string,
  before: StoredDocument | undefined,
  by: { readonly token: string; readonly holder: string },
): StoredDocument => {
  const body: LeaseBody = { ...by, counter: 0 }
  return { id: role, version: (before?.version ?? 0) + leapOf(by.token), body: { ...body } }
}

/** The lease as it is after its holder showed that it lives, or gave it back. */
export const renewed = (before: StoredDocument, released = false): StoredDocument => {
  const { token, counter, holder } = bodyOf(before)
  const body: LeaseBody = { token, counter: counter + 1, holder, ...(released && { released }) }
  return { id: before.id, version: before.version + 1, body: { ...body } }
}

/** Is this the lease of who took it under `token`? */
export const isOf = (token: string, document: StoredDocument | undefined): boolean =>
  document !== undefined && bodyOf(document).token === token
