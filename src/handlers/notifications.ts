import type { Command } from '#domain/notification/commands.ts'
import { decide } from '#domain/notification/decide.ts'
import type { RequestedPersonal } from '#domain/notification/events.ts'
import { evolve, fold } from '#domain/notification/evolve.ts'
import type { Notification, State } from '#domain/notification/state.ts'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import { VersionConflict } from '#ports/errors.ts'
import type { EventStore, NewEvent, RecordedEvent } from '#ports/event-store.ts'
import type { Patience, Recorder } from './recorder.ts'

/** A notification as its stream tells it, with what only the stream may hold. */
export interface Loaded {
  readonly stream: string
  readonly state: State
  readonly revision: number
  readonly events: readonly RecordedEvent[]
}

/** Reads and changes notifications; every change is decided on the exact revision it is appended at. */
export interface Notifications {
  load(notificationId: string): Promise<Loaded>
  /**
   * Decides the commands one after the other on what was loaded and appends all their facts at once.
   * Throws `VersionConflict` when somebody was faster; answers `loaded` unchanged when nothing followed.
   */
  change(loaded: Loaded, commands: readonly Command[], actor: string): Promise<Loaded>
  /** For facts: decides on what was loaded, and reloads and decides anew until they stand. */
  insist(loaded: Loaded, commands: readonly Command[], actor: string): Promise<Loaded>
}

/** An event of this stream cannot be folded. */
export class UnreadableStream extends Error {
  override readonly name = 'UnreadableStream'

  constructor(stream: string, options: ErrorOptions) {
    super(`${stream} holds an event that cannot be folded.`, options)
  }
}

/** A user's command meets a conflict this often before it is given back to him. */
export const conflictRetriesMax = 3

export const personalOf = (loaded: Loaded): RequestedPersonal =>
  (loaded.events[0]?.personal ?? {}) as RequestedPersonal

export const createNotifications = (needs: {
  readonly events: EventStore
  readonly recorder: Recorder
  readonly patience: Patience
}): Notifications => {
  const { events: store, recorder, patience } = needs

  const load = async (notificationId: string): Promise<Loaded> => {
    const stream = `notification-${notificationId}`
    const events = await store.read(stream)
    try {
      return { stream, events, state: fold(events), revision: events.length - 1 }
    } catch (error) {
      if (error instanceof UnknownEvent) throw error
      throw new UnreadableStream(stream, { cause: error })
    }
  }

  const change = async (loaded: Loaded, commands: readonly Command[], actor: string) => {
    const { stream, revision } = loaded
    let { state } = loaded
    const news: NewEvent[] = []
    const facts: RecordedEvent[] = []
    const correlationId = stream.slice('notification-'.length)
    const last = loaded.events.at(-1)
    const causationId = last?.id
    const traceparent = last?.metadata.traceparent
    const app = (state as Notification | undefined)?.app ?? ''
    for (const command of commands) {
      const decided = decide(state, command)
      if (decided.length === 0) continue
      const context = {
        ...{ app, actor, correlationId },
        ...(causationId && { causationId }),
        ...(traceparent && { traceparent }),
      }
      for (const fact of recorder.record(decided, context)) {
        const event = { ...fact, stream, revision: revision + facts.length + 1, position: '' }
        state = evolve(state, event)
        news.push(fact)
        facts.push(event)
      }
    }
    if (facts.length === 0) return loaded
    await recorder.appendSurely(stream, news, revision, patience)
    const events = [...loaded.events, ...facts]
    return { stream, events, state, revision: revision + facts.length }
  }

  return {
    load,
    change,
    async insist(loaded, commands, actor) {
      const notificationId = loaded.stream.slice('notification-'.length)
      for (let latest = loaded; ; ) {
        try {
          return await change(latest, commands, actor)
        } catch (error) {
          // Somebody else's fact came first: ours is decided again on top of it.
          if (!(error instanceof VersionConflict)) throw error
        }
        latest = await recorder.surely(loaded.stream, () => load(notificationId), patience)
      }
    },
  }
}

/** Work, however late, is decided at most this often in a row before the agenda brings it back. */
export const stepsMax = 20
