import type { Position } from '@eventstore/db-client'

export type { Position }

/** Both numbers: clients that kept only the first missed events of explicit transactions. */
export const formatPosition = ({ commit, prepare }: Position): string => `${commit}/${prepare}`

const form = /^\d{1,19}\/\d{1,19}$/

/** Throws `RangeError` for what is no position of such a log. */
export const parsePosition = (text: string): Position => {
  if (!form.test(text)) throw new RangeError(`${text} is not a position of this log.`)
  const slash = text.indexOf('/')
  return { commit: BigInt(text.slice(0, slash)), prepare: BigInt(text.slice(slash + 1)) }
}

export const isAfter = (a: Position, b: Position): boolean =>
  a.commit === b.commit ? a.prepare > b.prepare : a.commit > b.commit

export const comparePositions = (a: string, b: string): number => {
  if (a === b) {
    parsePosition(a)
    return 0
  }
  return isAfter(parsePosition(a), parsePosition(b)) ? 1 : -1
}

/** The later of two places, of which either may not be known. */
export const later = (a: Position | undefined, b: Position | undefined): Position | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  return isAfter(b, a) ? b : a
}
