import { setTimeout as sleep } from 'node:timers/promises'

const waitMaxMs = 15_000

/** Resolves once it is so. A real server is waited for by a real clock, for a bounded time. */
export const until = async (
  isSo: () => boolean | Promise<boolean>,
  maxMs = waitMaxMs,
): Promise<void> => {
  const end = performance.now() + maxMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('It did not happen.')
    await sleep(10)
  }
}
