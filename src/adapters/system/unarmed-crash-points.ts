import type { CrashPoints } from '#ports/crash-points.ts'

/** As they are outside of the crash campaign: they do nothing. */
export const unarmedCrashPoints: CrashPoints = { reach: () => {}, reachWhenOut: () => {} }
