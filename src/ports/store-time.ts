/** The clock of a store that several processes share: what theirs are compared with. */
export interface StoreTime {
  /**
   * Milliseconds since the epoch as the store has it, for some moment during the call, and by how much
   * that may be wrong. Throws `Unavailable`.
   */
  serverTime(): Promise<{ readonly now: number; readonly uncertaintyMs: number }>
}
