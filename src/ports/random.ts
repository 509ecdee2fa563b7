/** The only source of randomness. */
export interface Random {
  /** A random UUID (v4). */
  uuid(): string
  /** At least 0, less than 1. */
  fraction(): number
  /** Cryptographically strong, base64url, of `bytes` bytes. */
  secret(bytes: number): string
}
