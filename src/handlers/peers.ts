import type { ProviderName } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { CollectionDeclaration, DocumentStore, StoredDocument } from '#ports/document-store.ts'
import type { Random } from '#ports/random.ts'
import { leapOf } from './lease.ts'

/** What a process says of itself. */
export interface Peer {
  /** Host and process, for people. */
  readonly name: string
  readonly roles: readonly string[]
  /** Under which it can send. */
  readonly credentials: readonly { readonly name: string; readonly provider: ProviderName }[]
}

/** The processes on one store, as they come and go. */
export interface Peers {
  /** Shows that this process lives, and looks who else does. Throws `Unavailable`. */
  beat(): Promise<void>
  /** All that live, this one among them, as of the last beat. */
  readonly living: readonly Peer[]
  /** This process goes. Throws `Unavailable`. */
  leave(): Promise<void>
}

export const beatEveryMs = 2_000
/** Whose counter stood still this long, on our own monotonic clock, does not count. */
const aliveMs = 10_000
/** And after this long nobody needs to know that it was there. */
const forgottenMs = 600_000
const peersMax = 1_000

const collection: CollectionDeclaration = { name: 'processes', version: 1, indexes: [] }

interface Seen {
  readonly version: number
  readonly sinceMs: number
  readonly peer: Peer
}

export const createPeers = (needs: {
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
  readonly self: Peer
}): Peers => {
  const { documents, clock, random, self } = needs
  const id = random.uuid()
  let version = leapOf(id)
  let written = false
  const others = new Map<string, Seen>()

  const show = async (): Promise<void> => {
    const body = { ...self }
    const next = { id, version: version + 1, body }
    const replace = { do: 'replace', document: next, ifVersion: version } as const
    const insert = { do: 'insert', document: next } as const
    const write = (change: typeof replace | typeof insert) => documents.write(collection, [change])
    const { conflicts } = await write(written ? replace : insert)
    // The store was dropped, or a beat was written though we were not told: the next one repairs it.
    if (conflicts.length > 0) {
      const found = (await documents.load(collection, [id])).get(id)
      written = found !== undefined
      version = found?.version ?? version
      return
    }
    version += 1
    written = true
  }

  const note = (document: StoredDocument, nowMs: number): void => {
    const known = others.get(document.id)
    if (known?.version === document.version) return
    const peer = document.body as unknown as Peer
    others.set(document.id, { version: document.version, sinceMs: nowMs, peer })
  }

  const look = async (): Promise<void> => {
    const found = await documents.scan(collection, { limit: peersMax })
    const nowMs = clock.monotonic()
    for (const document of found) if (document.id !== id) note(document, nowMs)
    const there = new Set(found.map((document) => document.id))
    for (const known of others.keys()) if (!there.has(known)) others.delete(known)
    const dead = [...others].filter(([, { sinceMs }]) => nowMs - sinceMs > forgottenMs)
    if (dead.length === 0) return
    const bury = dead.map(([each, seen]) => {
      return { do: 'delete', id: each, ifVersion: seen.version } as const
    })
    await documents.write(collection, bury)
  }

  return {
    async beat() {
      await show()
      await look()
    },
    get living() {
      const nowMs = clock.monotonic()
      const alive = [...others.values()].filter(({ sinceMs }) => nowMs - sinceMs < aliveMs)
      return [self, ...alive.map(({ peer }) => peer)]
    },
    async leave() {
      if (written) await documents.write(collection, [{ do: 'delete', id, ifVersion: version }])
    },
  }
}
