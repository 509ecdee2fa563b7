/** Keyed hashes under a secret of this installation. All synchronous, HMAC-SHA-256. */
export interface KeyHash {
  /** Base64url digest; `purpose` separates uses, so that equal inputs of two uses do not meet. */
  digest(purpose: string, text: string): string
  /** Compares in constant time. */
  matches(purpose: string, text: string, digest: string): boolean
}
