import type { Tenure } from '#handlers/hold-lease.ts'
import { createSeededRandom } from './seeded-random.ts'

const random = createSeededRandom(7)

/** A role that is this test's until `signal` fires. */
export const openTenure = (signal: AbortSignal = new AbortController().signal): Tenure => ({
  token: random.uuid(),
  signal,
  confirmed: async () => true,
})
