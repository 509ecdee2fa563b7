/**
 * What promises give, in batches of those that came together. A rejection does not hold back the others:
 * the first one is thrown after all have settled.
 */
export async function* inBatches<T>(promises: readonly Promise<T>[]): AsyncGenerator<readonly T[]> {
  let arrived: T[] = []
  let open = promises.length
  let failure: { readonly error: unknown } | undefined
  let wake = Promise.withResolvers<void>()
  for (const promise of promises) {
    promise
      .then(
        (value) => void arrived.push(value),
        (error: unknown) => {
          failure ??= { error }
        },
      )
      .finally(() => {
        open -= 1
        wake.resolve()
      })
  }
  while (open > 0 || arrived.length > 0) {
    if (arrived.length === 0) await wake.promise
    wake = Promise.withResolvers<void>()
    const batch = arrived
    arrived = []
    if (batch.length > 0) yield batch
  }
  if (failure) throw failure.error
}
