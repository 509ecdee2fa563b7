import { type RecordedFact, Refusal, UnknownEvent } from '../recorded-fact.ts'

/** Streams of this prefix tell of the log they are in, not of what the service did: a copy leaves them out. */
export const ownPrefix = 'pabal-'

export const isOwn = (stream: string): boolean => stream.startsWith(ownPrefix)

/** Whether this log may be worked on: it may be a copy that is being made, or have been moved away. */
export const standingStream = 'pabal-copy'

export interface LogEvents {
  /** From now on this log is a copy: nothing may start on it. */
  LogCopyStarted: {
    /** Id of the log that is copied. */
    readonly from: string
  }
  /** All up to this position *of the source* is here. */
  LogCopyAdvanced: { readonly position: string; readonly events: number }
  /** Everything is here and was compared; the source is sealed. From now on this log is the one. */
  LogCopyFinished: { readonly events: number; readonly streams: number; readonly hash: string }
  /** This log was moved away: nothing may start on it any more. */
  LogSealed: {
    /** Id of the log that takes its place. */
    readonly to: string
  }
}
export type LogEventType = keyof LogEvents

export type LogEvent = {
  readonly [T in LogEventType]: { readonly type: T; readonly data: LogEvents[T] }
}[LogEventType]

export interface LogCopy {
  readonly from: string
  readonly startedAt: string
  /** Of the source; absent: nothing is known to be here. */
  readonly position?: string
  readonly finished: boolean
}

/** How a log stands; one that was neither copied nor moved has no such stream. */
export interface LogStanding {
  readonly revision: number
  readonly copy?: LogCopy
  readonly sealed?: { readonly to: string; readonly at: string }
}

export const evolveLog = (state: LogStanding | undefined, fact: RecordedFact): LogStanding => {
  if (fact.schemaVersion !== 1) throw new UnknownEvent(fact.type, fact.schemaVersion)
  const { revision } = fact
  const { at } = fact.metadata
  const before = { ...state, revision }
  const { copy } = before
  switch (fact.type as LogEventType) {
    case 'LogCopyStarted': {
      const { from } = fact.data as LogEvents['LogCopyStarted']
      return { ...before, copy: { from, startedAt: at, finished: false } }
    }
    case 'LogCopyAdvanced': {
      const { position } = fact.data as LogEvents['LogCopyAdvanced']
      return copy ? { ...before, copy: { ...copy, position } } : before
    }
    case 'LogCopyFinished':
      return copy ? { ...before, copy: { ...copy, finished: true } } : before
    case 'LogSealed': {
      const { to } = fact.data as LogEvents['LogSealed']
      return { ...before, sealed: { to, at } }
    }
    default:
      throw new UnknownEvent(fact.type, fact.schemaVersion)
  }
}

export type LogCommand =
  /** `empty`: the log holds nothing but what tells of itself. */
  | { readonly do: 'begin-copy'; readonly from: string; readonly empty: boolean }
  | { readonly do: 'advance-copy'; readonly position: string; readonly events: number }
  | ({ readonly do: 'finish-copy' } & LogEvents['LogCopyFinished'])
  | { readonly do: 'seal'; readonly to: string }

/** An unfinished copy is worth nothing as a source to move: only what is all here may be. */
const refuseUnfinished = (state: LogStanding | undefined): void => {
  if (!state?.copy || state.copy.finished) return
  const { from: original } = state.copy
  throw new Refusal(
    'log/unfinished-copy',
    `This log is a copy of the log ${original} that was never finished. Finish it with ./pabal log copy --finish, or use the original.`,
  )
}

const refuseSealed = (state: LogStanding | undefined): void => {
  if (!state?.sealed) return
  const { to, at } = state.sealed
  throw new Refusal(
    'log/sealed',
    `This log was moved to the log ${to} at ${at} and is closed for ever. Start the service on that one.`,
  )
}

const beginCopy = (
  state: LogStanding | undefined,
  { from, empty }: { readonly from: string; readonly empty: boolean },
): readonly LogEvent[] => {
  refuseSealed(state)
  if (state?.copy?.from === from) return []
  if (state?.copy) {
    const { from: other } = state.copy
    throw new Refusal(
      'log/other-source',
      `The target is a copy of the log ${other}, not of this one. Name an empty target.`,
    )
  }
  if (empty) return [{ type: 'LogCopyStarted', data: { from } }]
  throw new Refusal(
    'log/not-empty',
    'The target holds events that are not of this copy. Name an empty target.',
  )
}

/** Repeated orders change nothing. */
export const decideLog = (
  state: LogStanding | undefined,
  command: LogCommand,
): readonly LogEvent[] => {
  switch (command.do) {
    case 'begin-copy':
      return beginCopy(state, command)
    case 'advance-copy': {
      const { position, events } = command
      if (!state?.copy || state.copy.finished || state.copy.position === position) return []
      return [{ type: 'LogCopyAdvanced', data: { position, events } }]
    }
    case 'finish-copy': {
      if (!state?.copy || state.copy.finished) return []
      const { events, streams, hash } = command
      return [{ type: 'LogCopyFinished', data: { events, streams, hash } }]
    }
    case 'seal':
      if (state?.sealed?.to === command.to) return []
      refuseSealed(state)
      refuseUnfinished(state)
      return [{ type: 'LogSealed', data: { to: command.to } }]
  }
}

/** Throws `log/sealed` or `log/unfinished-copy`: nothing may send, or take orders, on such a log. */
export const refuseUnfit = (state: LogStanding | undefined): void => {
  refuseSealed(state)
  refuseUnfinished(state)
}

/** How a log stands; `undefined`: nothing was ever recorded of it. */
export const foldLog = (facts: Iterable<RecordedFact>): LogStanding | undefined => {
  let standing: LogStanding | undefined
  for (const fact of facts) standing = evolveLog(standing, fact)
  return standing
}

/** Why nothing may start on a log whose standing was recorded so; `undefined`: it may. */
export const whyUnfit = (
  standing: Iterable<RecordedFact>,
): { readonly code: string; readonly message: string } | undefined => {
  try {
    refuseUnfit(foldLog(standing))
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return error
    if (error instanceof UnknownEvent)
      return { code: 'store/newer-version', message: error.message }
    throw error
  }
}
