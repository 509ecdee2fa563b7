/** The clock of a store that several processes share. */
export interface StoreTime {
  /**
   * The store's wall clock when this resolves, milliseconds since the epoch: off by at most
   * `uncertaintyMs`, half of the way there and back. Throws `Unavailable`.
   */
  serverTime(): Promise<{ readonly now: number; readonly uncertaintyMs: number }>
}
