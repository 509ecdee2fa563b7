/** Runs what it is given one after the other, also when one fails; answers as each does. */
export type InTurn = <T>(run: () => Promise<T>) => Promise<T>

export const createInTurn = (): InTurn => {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(run: () => Promise<T>): Promise<T> => {
    const mine = last.then(run)
    last = mine.catch(() => {})
    return mine
  }
}
