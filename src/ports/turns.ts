import type { Priority } from '#domain/notification/events.ts'

/** Of ten turns urgent has six, normal three, bulk one: in every lane of every work queue. */
const ring: readonly Priority[] = [
  'urgent',
  'normal',
  'urgent',
  'urgent',
  'normal',
  'urgent',
  'bulk',
  'urgent',
  'normal',
  'urgent',
]

/** Whose turn it is among those that can take it; who cannot passes it on. `undefined`: nobody can. */
export type Turns = (can: (priority: Priority) => boolean) => Priority | undefined

export const createTurns = (): Turns => {
  let at = 0
  return (can) => {
    for (let passed = 0; passed < ring.length; passed++) {
      const priority = ring[at]!
      at = (at + 1) % ring.length
      if (can(priority)) return priority
    }
    return undefined
  }
}
