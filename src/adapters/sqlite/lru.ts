/** The most recently used entries, bounded in weight and number. */
export interface Lru<K, V> {
  get(key: K): V | undefined
  /** An entry heavier than half the bound is not kept. */
  set(key: K, value: V, weight: number): void
  delete(key: K): void
  clear(): void
}

interface Entry<V> {
  readonly value: V
  readonly weight: number
}

/**
 * Two generations of half the bounds each: what is used moves to the young one, and when that is full the
 * old one goes as a whole. To move an entry within one Map at every use cost a tenth of the service's time.
 */
export const createLru = <K, V>(bounds: { entriesMax: number; weightMax: number }): Lru<K, V> => {
  const entriesMax = bounds.entriesMax / 2
  const weightMax = bounds.weightMax / 2
  let young = new Map<K, Entry<V>>()
  let old = new Map<K, Entry<V>>()
  let youngWeight = 0

  const remove = (key: K): void => {
    youngWeight -= young.get(key)?.weight ?? 0
    young.delete(key)
    old.delete(key)
  }

  const add = (key: K, entry: Entry<V>): void => {
    const before = young.get(key)
    if (before !== undefined) youngWeight -= before.weight
    const isFull = before === undefined && young.size + 1 > entriesMax
    if (isFull || youngWeight + entry.weight > weightMax) {
      old = young
      young = new Map()
      youngWeight = 0
    }
    young.set(key, entry)
    youngWeight += entry.weight
  }

  return {
    get(key) {
      const entry = young.get(key)
      if (entry !== undefined) return entry.value
      const older = old.get(key)
      if (older === undefined) return undefined
      add(key, older)
      return older.value
    },
    set(key, value, weight) {
      if (weight > weightMax) remove(key)
      else add(key, { value, weight })
    },
    delete: remove,
    clear() {
      young = new Map()
      old = new Map()
      youngWeight = 0
    },
  }
}
