import {
  decideLog,
  foldLog,
  type LogCommand,
  type LogStanding,
  refuseUnfit,
  standingStream,
} from '#domain/log/log.ts'
import { Refusal } from '#domain/recorded-fact.ts'
import type { Clock } from '#ports/clock.ts'
import { StartRefused, Unavailable } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Patience, Recorder } from './recorder.ts'

/** Processes look this often whether their log was moved away under them. */
export const standingEveryMs = 5_000

export const loadStanding = async (
  events: Pick<EventStore, 'read'>,
): Promise<LogStanding | undefined> => foldLog(await events.read(standingStream))

/** Decides on the log as it stands and appends there; answers how it stands then. */
export const changeStanding = async (
  needs: { readonly events: EventStore; readonly recorder: Recorder; readonly patience: Patience },
  command: LogCommand,
): Promise<LogStanding | undefined> => {
  const { events, recorder, patience } = needs
  const standing = await recorder.surely(standingStream, () => loadStanding(events), patience)
  const decided = decideLog(standing, command)
  if (decided.length === 0) return standing
  const context = { app: '', actor: 'cli', correlationId: events.logId }
  const recorded = recorder.record(decided, context)
  const expected = standing?.revision ?? 'no-stream'
  await recorder.appendSurely(standingStream, recorded, expected, patience)
  return loadStanding(events)
}

/** Throws `StartRefused` with `log/sealed` or `log/unfinished-copy`: before anything is started or changed. */
export const refuseUnfitLog = async (events: Pick<EventStore, 'read'>): Promise<void> => {
  try {
    refuseUnfit(await loadStanding(events))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new StartRefused(error.code, error.message, { cause: error })
  }
}

/** For logs that others can reach while we work on them: throws as soon as it was moved away. */
export const watchStanding = async (needs: {
  readonly events: Pick<EventStore, 'read'>
  readonly clock: Clock
  readonly signal: AbortSignal
}): Promise<void> => {
  const { events, clock, signal } = needs
  while (!signal.aborted) {
    try {
      await refuseUnfitLog(events)
    } catch (error) {
      // A log that does not answer takes nothing either.
      if (!(error instanceof Unavailable)) throw error
    }
    await clock.sleep(standingEveryMs, signal)
  }
}
