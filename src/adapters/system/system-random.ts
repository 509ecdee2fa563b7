import { randomBytes, randomUUID } from 'node:crypto'
import type { Random } from '#ports/random.ts'

export const createSystemRandom = (): Random => ({
  // Node draws the random bytes of many UUIDs at once.
  uuid: () => randomUUID(),
  fraction: () => Math.random(),
  secret: (bytes) => randomBytes(bytes).toString('base64url'),
})
