/**
 * Runs the first until it ends, and the others beside it. Whoever fails ends all of them; the first failure
 * is thrown once all have ended.
 */
export const together = async (
  signal: AbortSignal,
  ...tasks: readonly ((signal: AbortSignal) => Promise<void>)[]
): Promise<void> => {
  const ending = new AbortController()
  const both = AbortSignal.any([signal, ending.signal])
  let failure: { readonly error: unknown } | undefined
  const running = tasks.map(async (task, index) => {
    try {
      await task(both)
      if (index === 0) ending.abort()
    } catch (error) {
      failure ??= { error }
      ending.abort()
    }
  })
  await Promise.all(running)
  if (failure) throw failure.error
}
