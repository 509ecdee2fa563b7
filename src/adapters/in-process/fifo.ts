/** First in, first out, in constant time each: a ring that grows by doubling and keeps nothing taken. */
export interface Fifo<T> {
  add(item: T): void
  take(): T | undefined
  peek(): T | undefined
  size(): number
}

const startCapacity = 16

export const createFifo = <T>(): Fifo<T> => {
  let ring = new Array<T | undefined>(startCapacity).fill(undefined)
  let first = 0
  let size = 0

  const grow = (): void => {
    const larger = new Array<T | undefined>(ring.length * 2).fill(undefined)
    for (let at = 0; at < size; at++) larger[at] = ring[(first + at) % ring.length]
    ring = larger
    first = 0
  }

  return {
    add(item) {
      if (size === ring.length) grow()
      ring[(first + size) % ring.length] = item
      size++
    },
    take() {
      if (size === 0) return undefined
      const item = ring[first]
      ring[first] = undefined
      first = (first + 1) % ring.length
      size--
      return item
    },
    peek: () => ring[first],
    size: () => size,
  }
}
