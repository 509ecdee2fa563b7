import type { Clock } from '#ports/clock.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'

/** A refused append says something for this long: without traffic nothing would tell that it works again. */
const failureAgeMaxMs = 10_000

/** Why the log refused its last append, if that is not long ago. */
export type LastFailure = () => Unavailable | undefined

/** Remembers whether the log took its last append. */
export const watchAppends = (events: EventStore, clock: Clock) => {
  let failure: { readonly error: Unavailable; readonly atMs: number } | undefined
  const append: EventStore['append'] = async (stream, news, options) => {
    try {
      const appended = await events.append(stream, news, options)
      failure = undefined
      return appended
    } catch (error) {
      if (error instanceof Unavailable) failure = { error, atMs: clock.monotonic() }
      throw error
    }
  }
  return {
    events: Object.create(events, { append: { value: append } }) as EventStore,
    lastFailure: (() =>
      failure && clock.monotonic() - failure.atMs < failureAgeMaxMs
        ? failure.error
        : undefined) satisfies LastFailure,
  }
}
