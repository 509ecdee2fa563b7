import { VersionConflict } from '#ports/errors.ts'
import type { FoldedStreams } from './folded-streams.ts'
import { conflictRetriesMax } from './notifications.ts'
import type { Context, Patience, Recorder } from './recorder.ts'

interface Fact {
  readonly type: string
  readonly data: object
  readonly personal?: object
}

export interface StreamChange {
  /** Of the stream's last event, ours or not. */
  readonly revision: number
  readonly changed: boolean
}

/** Decides on the newest state and appends there; anew after each conflict, `retriesMax` times. */
export const changeStream = async <S>(options: {
  readonly streams: FoldedStreams<S>
  readonly stream: string
  readonly decide: (state: S | undefined) => readonly Fact[]
  readonly context: Context
  readonly recorder: Recorder
  readonly patience: Patience
  readonly retriesMax?: number
}): Promise<StreamChange> => {
  const { streams, stream, decide, context, recorder, patience } = options
  const retriesMax = options.retriesMax ?? conflictRetriesMax
  for (let tries = 0; ; tries += 1) {
    const { state, revision } = await recorder.surely(stream, () => streams.load(stream), patience)
    const decided = decide(state)
    if (decided.length === 0) return { revision, changed: false }
    const events = recorder.record(decided, context)
    try {
      const expected = revision < 0 ? 'no-stream' : revision
      const appended = await recorder.appendSurely(stream, events, expected, patience)
      streams.changed(stream)
      return { revision: appended.revision, changed: true }
    } catch (error) {
      if (!(error instanceof VersionConflict) || tries >= retriesMax) throw error
    }
  }
}
