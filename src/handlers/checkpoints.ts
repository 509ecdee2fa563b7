import type { CollectionDeclaration, DocumentStore } from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'

/** How far a follower has come. Worthless on another log, or on one that lost its end: then it is reset. */
export interface Checkpoint {
  readonly logId: string
  readonly position: string
  /** The last event handled, and the position before it: they must still be in the log together. */
  readonly eventId: string
  readonly before?: string
  /** No event up to there was recorded at a later time; milliseconds since the epoch. Absent: not known. */
  readonly newestAt?: number
}

export interface Checkpoints {
  /** `undefined`: none, or one that does not fit this log. */
  load(name: string): Promise<Checkpoint | undefined>
  save(name: string, checkpoint: Omit<Checkpoint, 'logId'>): Promise<void>
  /** Whether there still is one, of whichever log. */
  exists(name: string): Promise<boolean>
  /** For whom an old place costs time only: a store that does not answer is no reason to stop. */
  trySave(name: string, checkpoint: Omit<Checkpoint, 'logId'>): Promise<void>
  remove(name: string): Promise<void>
}

const collection: CollectionDeclaration = { name: 'checkpoints', version: 1, indexes: [] }

export const createCheckpoints = (needs: {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly log: Log
}): Checkpoints => {
  const { events, documents, log } = needs
  const versions = new Map<string, number>()

  const fits = async (checkpoint: Checkpoint): Promise<boolean> => {
    if (checkpoint.logId !== events.logId) return false
    const { before } = checkpoint
    const page = await events.readAll({ limit: 1, ...(before !== undefined && { after: before }) })
    return page.events[0]?.id === checkpoint.eventId
  }

  const load = async (name: string): Promise<Checkpoint | undefined> => {
    const document = (await documents.load(collection, [name])).get(name)
    if (!document) {
      versions.delete(name)
      return undefined
    }
    versions.set(name, document.version)
    const checkpoint = document.body as unknown as Checkpoint
    if (await fits(checkpoint)) return checkpoint
    log.warn('A checkpoint does not fit this log and is not used.', { checkpoint: name })
    return undefined
  }

  const save: Checkpoints['save'] = async (name, checkpoint) => {
    const ifVersion = versions.get(name)
    const version = (ifVersion ?? 0) + 1
    const document = { id: name, version, body: { ...checkpoint, logId: events.logId } }
    const { conflicts } = await documents.write(collection, [
      ifVersion === undefined ? { do: 'insert', document } : { do: 'replace', document, ifVersion },
    ])
    if (conflicts.length > 0) throw new Error(`Somebody else moved the checkpoint ${name}.`)
    versions.set(name, version)
  }

  return {
    load,
    save,
    exists: async (name) => (await documents.load(collection, [name])).has(name),
    async trySave(name, checkpoint) {
      try {
        await save(name, checkpoint)
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error
        log.warn('A checkpoint could not be written; its follower goes on.', {
          checkpoint: name,
          error,
        })
      }
    },
    async remove(name) {
      const document = (await documents.load(collection, [name])).get(name)
      versions.delete(name)
      if (!document) return
      await documents.write(collection, [{ do: 'delete', id: name, ifVersion: document.version }])
    },
  }
}
