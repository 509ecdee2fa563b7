/** Places where the crash campaign may kill the process. Compiled in; they do nothing unless armed. */
export const crashPointNames = [
  'before-append',
  'appended-not-answered',
  'relayed-checkpoint-not-moved',
  'claimed',
  'rendered-not-fenced',
  'fenced-no-byte-out',
  'bytes-out-no-answer',
  'answered-no-outcome',
  'outcome-not-acknowledged',
  'projected-checkpoint-not-written',
  'inside-timekeeper',
  'receipt-stored-not-answered',
] as const

export type CrashPointName = (typeof crashPointNames)[number]

export interface CrashPoints {
  /** Returns at once when this point is not armed; never returns when it is its turn. */
  reach(point: CrashPointName): void
  /** As `reach`, once what was written just now is the operating system's. */
  reachWhenOut(point: CrashPointName): void
}
