import type { CollectionDeclaration, DocumentStore, StoredDocument } from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Tenure } from './hold-lease.ts'
import { leapOf } from './lease.ts'
import { isInLog } from './places.ts'

/** How far a follower has come. Worthless on another log, or on one that lost its end: then it is reset. */
export interface Checkpoint {
  readonly logId: string
  readonly position: string
  /** The last event handled, and the position before it: they must still be in the log together. */
  readonly eventId: string
  readonly before?: string
  /** Time of that event, milliseconds since the epoch. */
  readonly at?: number
  /** No event up to there was recorded at a later time; milliseconds since the epoch. Absent: not known. */
  readonly newestAt?: number
  /** Absent: the follower has been given all up to there. */
  readonly history?: History
}

/** What of the log a recovered follower has not been given yet: all after `position`, up to `until`. */
export interface History {
  readonly position?: string
  readonly until: string
}

export type Place = Omit<Checkpoint, 'logId'>

/** The follower has lost its place to another process. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved'

  constructor(name: string) {
    super(`Somebody else moved the checkpoint ${name}, or it is gone.`)
  }
}

/** A checkpoint that is this follower's alone. */
export interface HeldCheckpoint {
  /** `undefined`: none, or one that does not fit this log. */
  readonly start: Checkpoint | undefined
  /** Throws `CheckpointMoved` when somebody else has claimed it since, `Unavailable`. */
  save(place: Place): Promise<void>
  /** For whom an old place costs time only: a store that does not answer is no reason to stop. */
  trySave(place: Place): Promise<void>
  /** Looks whether it is still there and ours. Throws `CheckpointMoved` if not, `Unavailable`. */
  confirm(): Promise<void>
}

export interface Checkpoints {
  /** `undefined`: none, or one that does not fit this log. Changes nothing. */
  load(name: string): Promise<Checkpoint | undefined>
  /** As they stand, whether or not they fit the log's end; of other logs none. Changes nothing. */
  peek(names: readonly string[]): Promise<ReadonlyMap<string, Checkpoint>>
  /**
   * Takes it over: whoever had it before cannot move it any more, however long ago he decided to. Throws
   * `CheckpointMoved` when the role is not ours.
   */
  claim(name: string, tenure: Tenure): Promise<HeldCheckpoint>
  remove(name: string): Promise<void>
}

const collection: CollectionDeclaration = { name: 'checkpoints', version: 1, indexes: [] }
/** Others may claim it at the same moment; that they do so again and again means that something is wrong. */
const claimsMax = 5

export const createCheckpoints = (needs: {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly log: Log
}): Checkpoints => {
  const { events, documents, log } = needs

  const fits = async (checkpoint: Checkpoint): Promise<boolean> =>
    checkpoint.logId === events.logId && isInLog(events, checkpoint)

  const stored = async (name: string): Promise<StoredDocument | undefined> =>
    (await documents.load(collection, [name])).get(name)

  const usable = async (
    name: string,
    document: StoredDocument | undefined,
  ): Promise<Checkpoint | undefined> => {
    const checkpoint = document?.body as unknown as Partial<Checkpoint> | undefined
    // Claimed, and not moved since.
    if (checkpoint?.position === undefined) return undefined
    if (await fits(checkpoint as Checkpoint)) return checkpoint as Checkpoint
    log.warn('A checkpoint does not fit this log and is not used.', { checkpoint: name })
    return undefined
  }

  /** Whether it was written: it was as we knew it. */
  const write = async (next: StoredDocument, before?: number): Promise<boolean> => {
    const { conflicts } = await documents.write(collection, [
      before === undefined
        ? { do: 'insert', document: next }
        : { do: 'replace', document: next, ifVersion: before },
    ])
    return conflicts.length === 0
  }

  const held = (
    name: string,
    tenure: Tenure,
    claimed: number,
  ): Pick<HeldCheckpoint, 'save' | 'confirm'> => {
    let known = claimed
    const ours = async (): Promise<StoredDocument> => {
      const found = await stored(name)
      if (found?.body.token === tenure.token) return found
      await tenure.confirmed()
      throw new CheckpointMoved(name)
    }
    return {
      async save(place) {
        const body = { ...place, logId: events.logId, token: tenure.token }
        while (!(await write({ id: name, version: known + 1, body }, known))) {
          // Perhaps our own writing, whose answer was lost or comes late: nobody else has the token.
          const { version } = await ours()
          if (version <= known) throw new CheckpointMoved(name)
          known = version
        }
        known += 1
      },
      async confirm() {
        await ours()
      },
    }
  }

  const claim: Checkpoints['claim'] = async (name, tenure) => {
    const { token } = tenure
    for (let tries = 0; tries < claimsMax; tries += 1) {
      const document = await stored(name)
      // Asked after the reading: who takes the role over later claims what we claim now.
      if (!(await tenure.confirmed())) break
      const version = (document?.version ?? 0) + leapOf(token)
      const next = { id: name, version, body: { ...document?.body, token } }
      if (!(await write(next, document?.version))) continue
      const { save, confirm } = held(name, tenure, version)
      return {
        start: await usable(name, document),
        save,
        confirm,
        async trySave(place) {
          try {
            await save(place)
          } catch (error) {
            if (!(error instanceof Unavailable)) throw error
            log.warn('A checkpoint could not be written; its follower goes on.', {
              checkpoint: name,
              error,
            })
          }
        },
      }
    }
    throw new CheckpointMoved(name)
  }

  return {
    load: async (name) => usable(name, await stored(name)),
    async peek(names) {
      const found = new Map<string, Checkpoint>()
      for (const [name, { body }] of await documents.load(collection, names)) {
        const checkpoint = body as unknown as Partial<Checkpoint>
        if (checkpoint.logId !== events.logId || checkpoint.position === undefined) continue
        found.set(name, checkpoint as Checkpoint)
      }
      return found
    },
    claim,
    async remove(name) {
      const document = await stored(name)
      if (!document) return
      await documents.write(collection, [{ do: 'delete', id: name, ifVersion: document.version }])
    },
  }
}
