import { setTimeout as sleep } from 'node:timers/promises'

const waitMaxMs = 15_000

/** Resolves once it is so. A real server is waited for by a real clock, for a bounded time. */
export const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  const end = performance.now() + waitMaxMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('It did not happen.')
    await sleep(10)
  }
}
