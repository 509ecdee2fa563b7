import { writeSync } from 'node:fs'
import type { CrashPointName, CrashPoints } from '#ports/crash-points.ts'

/** Kills this process when a point is reached for the n-th time from now. */
export interface Arming {
  readonly point: CrashPointName
  readonly nth: number
}

export interface ArmedCrashPoints extends CrashPoints {
  arm(arming: Arming): void
}

/** Says where, in a way that survives what follows; then never returns. */
const die = (point: CrashPointName, reportTo: number): never => {
  writeSync(reportTo, `${point}\n`)
  process.kill(process.pid, 'SIGKILL')
  // The signal may be taken by another thread first: this one must not go on meanwhile.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

/** `reportTo`: an inherited file descriptor; one line is written to it before the kill. */
export const createArmedCrashPoints = (reportTo: number): ArmedCrashPoints => {
  let armed: Arming | undefined
  let left = 0
  const reach = (point: CrashPointName): void => {
    if (armed?.point !== point) return
    left -= 1
    if (left <= 0) die(point, reportTo)
  }
  return {
    arm(arming) {
      armed = arming
      left = arming.nth
    },
    reach,
    reachWhenOut(point) {
      // node:http2 and TLS hand over what was written before this comes.
      if (armed?.point === point) setImmediate(() => reach(point))
    },
  }
}
