/** Turns of the event loop that a test waits for something at most. */
const turnsMax = 20_000_000

/** Resolves once it happened, without a clock. */
export const eventually = async (happened: () => boolean): Promise<void> => {
  for (let turn = 0; turn < turnsMax; turn++) {
    if (happened()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('It did not happen.')
}
