import type { LogPage, RecordedEvent } from '#ports/event-store.ts'

const pageMax = 10_000
export const pageDefault = 1_000

export const parsePosition = (position: string | undefined): number => {
  const parsed = position === undefined ? 0 : Number(position)
  if (Number.isSafeInteger(parsed) && parsed >= 0) return parsed
  throw new RangeError(`${position} is not a position of this log.`)
}

export const comparePositions = (a: string, b: string): number =>
  parsePosition(a) - parsePosition(b)

export const refusePageLimit = (limit: number): void => {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= pageMax))
    throw new RangeError(`A page has 1 to ${pageMax} events, not ${limit}.`)
}

/** `head`: the position of the newest event when the page was read. */
export const pageOf = (events: readonly RecordedEvent[], after: number, head: number): LogPage => {
  const last = events.at(-1)
  if (last === undefined) return { events, checkpoint: String(after), atHead: true }
  return { events, checkpoint: last.position, atHead: Number(last.position) >= head }
}
