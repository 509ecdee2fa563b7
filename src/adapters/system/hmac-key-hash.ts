import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import type { KeyHash } from '#ports/key-hash.ts'
import type { Secret } from '#ports/secret.ts'

export const createHmacKeyHash = (secret: Secret): KeyHash => {
  const key = createSecretKey(secret.reveal(), 'utf8')
  const digest = (purpose: string, text: string): string =>
    createHmac('sha256', key).update(`${purpose}\u0000${text}`).digest('base64url')
  return {
    digest,
    matches(purpose, text, given) {
      const expected = Buffer.from(digest(purpose, text))
      const actual = Buffer.from(given)
      // Equal lengths are public: a digest's length says nothing of what it hashes.
      return actual.length === expected.length && timingSafeEqual(actual, expected)
    },
  }
}
