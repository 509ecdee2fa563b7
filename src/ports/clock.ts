/** The only source of time for everything but adapters, campaigns and the sandbox. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump; decides schedules. */
  now(): number
  /** Milliseconds on a clock that never goes back. Decides how long something took. */
  monotonic(): number
  /** Resolves after `ms`, or at once when `signal` fires. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
