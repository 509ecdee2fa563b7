import type { TemplateSource } from '#ports/renderer.ts'
import { FIELDS, onlyFields } from './protocol.ts'

interface Held {
  readonly slot: number
  readonly source: TemplateSource
  readonly chars: number
}

export interface Place {
  readonly slot: number
  /** What the worker must be sent: it does not have it, or has another one. */
  readonly send?: TemplateSource
  /** Slots that the worker should empty first. */
  readonly forget: readonly number[]
}

export interface SourceSlots {
  place(hash: string, source: TemplateSource): Place
}

const same = (one: TemplateSource, other: TemplateSource): boolean =>
  FIELDS.every((field) => one[field] === other[field])

export const charsOf = (source: TemplateSource): number =>
  FIELDS.reduce((sum, field) => sum + (source[field]?.length ?? 0), 0)

/**
 * Which compiled templates one worker holds, least recently used first. It is kept on this side, so that a
 * source is sent once and nobody has to ask; messages arrive in order, so both sides agree. The limit on
 * characters is what keeps the compiled code within the worker's heap.
 */
export const createSourceSlots = (limits: {
  readonly entriesMax: number
  readonly charsMax: number
}): SourceSlots => {
  const held = new Map<string, Held>()
  const free: number[] = []
  let chars = 0
  let slots = 0

  const drop = (hash: string, entry: Held): number => {
    held.delete(hash)
    chars -= entry.chars
    free.push(entry.slot)
    return entry.slot
  }

  return {
    place: (hash, source) => {
      const known = held.get(hash)
      if (known && same(known.source, source)) {
        held.delete(hash)
        held.set(hash, known)
        return { slot: known.slot, forget: [] }
      }
      // A hash is only a name: with another text under it, the text counts.
      const forget = known ? [drop(hash, known)] : []
      const added = charsOf(source)
      for (const [oldest, entry] of held) {
        if (held.size < limits.entriesMax && chars + added <= limits.charsMax) break
        forget.push(drop(oldest, entry))
      }
      const slot = free.pop() ?? slots++
      const send = onlyFields(source)
      held.set(hash, { slot, source: send, chars: added })
      chars += added
      return { slot, send, forget }
    },
  }
}
