import { StartRefused } from '#ports/errors.ts'

// The client keeps what its batch appends wait for in one place for the whole process: a broken connection of
// one client ends the calls of every other, whose late answers then end the process. So there is one.
let taken = false

/** Throws when there is one already. The answer gives the right back. */
export const takeBatchAppends = (): (() => void) => {
  if (taken)
    throw new StartRefused(
      'eventstore/second-batch',
      'A process can append in batches to one event store only: open the other with append `classic`.',
    )
  taken = true
  return () => {
    taken = false
  }
}
