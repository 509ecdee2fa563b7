import type { Channel } from '../notification/events.ts'
import { type RecordedFact, UnknownEvent } from '../recorded-fact.ts'

/** An address of one app, known by its keyed hash alone; it outlives every recipient that has it. */
export type SuppressionCause = 'opted-out' | 'complaint' | 'endpoint-invalid' | 'requested'

export interface AddressEvents {
  AddressSuppressed: {
    readonly app: string
    readonly channel: Channel
    readonly cause: SuppressionCause
    readonly evidence: Readonly<Record<string, unknown>>
  }
  AddressReleased: { readonly app: string; readonly channel: Channel; readonly reason: string }
}

export type AddressEvent = {
  readonly [T in keyof AddressEvents]: { readonly type: T; readonly data: AddressEvents[T] }
}[keyof AddressEvents]

export interface Address {
  readonly revision: number
  readonly suppressed?: { readonly cause: SuppressionCause; readonly at: string }
}

export const evolveAddress = (state: Address | undefined, fact: RecordedFact): Address => {
  if (fact.schemaVersion !== 1) throw new UnknownEvent(fact.type, fact.schemaVersion)
  const { revision } = fact
  switch (fact.type as keyof AddressEvents) {
    case 'AddressSuppressed': {
      const { cause } = fact.data as AddressEvents['AddressSuppressed']
      return { revision, suppressed: state?.suppressed ?? { cause, at: fact.metadata.at } }
    }
    case 'AddressReleased':
      return { revision }
    default:
      throw new UnknownEvent(fact.type, fact.schemaVersion)
  }
}

export type AddressCommand =
  | ({ readonly do: 'suppress' } & AddressEvents['AddressSuppressed'])
  | ({ readonly do: 'release' } & AddressEvents['AddressReleased'])

/** Idempotent: suppressing twice keeps the first cause. */
export const decideAddress = (
  state: Address | undefined,
  command: AddressCommand,
): readonly AddressEvent[] => {
  const suppressed = state?.suppressed !== undefined
  if (command.do === 'suppress') {
    const { do: _do, ...data } = command
    return suppressed ? [] : [{ type: 'AddressSuppressed', data }]
  }
  const { do: _do, ...data } = command
  return suppressed ? [{ type: 'AddressReleased', data }] : []
}
