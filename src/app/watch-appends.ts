import type { Clock } from '#ports/clock.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'

/** A refused append says something for this long: without traffic nothing would tell that it works again. */
const failureAgeMaxMs = 10_000
/** Even when another was taken after it: on a full disk a small one may still find its place. */
const failureAgeMinMs = 1_000

/** Why the log refused an append, if that is not long ago. */
export type LastFailure = () => Unavailable | undefined

/** Remembers whether the log takes what is appended. */
export const watchAppends = (events: EventStore, clock: Clock) => {
  let failure: { readonly error: Unavailable; readonly atMs: number } | undefined
  let takenSince = false
  const append: EventStore['append'] = async (stream, news, options) => {
    try {
      const appended = await events.append(stream, news, options)
      takenSince = true
      return appended
    } catch (error) {
      if (error instanceof Unavailable) {
        failure = { error, atMs: clock.monotonic() }
        takenSince = false
      }
      throw error
    }
  }
  const lastFailure: LastFailure = () => {
    if (!failure) return undefined
    const ageMs = clock.monotonic() - failure.atMs
    return ageMs < (takenSince ? failureAgeMinMs : failureAgeMaxMs) ? failure.error : undefined
  }
  return {
    events: Object.create(events, { append: { value: append } }) as EventStore,
    lastFailure,
  }
}
