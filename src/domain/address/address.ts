import type { Channel } from '../notification/events.ts'
import { type RecordedFact, UnknownEvent } from '../recorded-fact.ts'

/** Why an address is not used; the reasons of the person weigh more than those of the line. */
export const suppressionCauses = [
  'complaint',
  'opted-out',
  'requested',
  'endpoint-invalid',
] as const
export type SuppressionCause = (typeof suppressionCauses)[number]

export interface AddressEvents {
  AddressSuppressed: {
    readonly app: string
    readonly channel: Channel
    readonly cause: SuppressionCause
    readonly evidence: Readonly<Record<string, unknown>>
  }
  AddressReleased: {
    readonly app: string
    readonly channel: Channel
    readonly reason: string
    /** Only this cause is lifted; absent: all of them. */
    readonly cause?: SuppressionCause
  }
}

export type AddressEvent = {
  readonly [T in keyof AddressEvents]: { readonly type: T; readonly data: AddressEvents[T] }
}[keyof AddressEvents]

type Causes = Readonly<Partial<Record<SuppressionCause, string>>>

/** An address of one app, known by its keyed hash alone; it outlives every recipient that has it. */
export interface Address {
  readonly revision: number
  /** Since when each cause stands: a line that works again does not undo a person's no. */
  readonly causes: Causes
  /** The weightiest cause that stands. */
  readonly suppressed?: { readonly cause: SuppressionCause; readonly at: string }
}

const addressOf = (revision: number, causes: Causes): Address => {
  const cause = suppressionCauses.find((each) => causes[each] !== undefined)
  return { revision, causes, ...(cause && { suppressed: { cause, at: causes[cause]! } }) }
}

export const evolveAddress = (state: Address | undefined, fact: RecordedFact): Address => {
  if (fact.schemaVersion !== 1) throw new UnknownEvent(fact.type, fact.schemaVersion)
  const { revision } = fact
  const before = state?.causes ?? {}
  switch (fact.type as keyof AddressEvents) {
    case 'AddressSuppressed': {
      const { cause } = fact.data as AddressEvents['AddressSuppressed']
      return addressOf(revision, { [cause]: fact.metadata.at, ...before })
    }
    case 'AddressReleased': {
      const { cause } = fact.data as AddressEvents['AddressReleased']
      if (cause === undefined) return addressOf(revision, {})
      const { [cause]: _lifted, ...rest } = before
      return addressOf(revision, rest)
    }
    default:
      throw new UnknownEvent(fact.type, fact.schemaVersion)
  }
}

export type AddressCommand =
  | ({ readonly do: 'suppress' } & AddressEvents['AddressSuppressed'])
  | ({ readonly do: 'release' } & AddressEvents['AddressReleased'])

/** Idempotent: a cause that stands is not recorded again, and what does not stand is not lifted. */
export const decideAddress = (
  state: Address | undefined,
  command: AddressCommand,
): readonly AddressEvent[] => {
  const causes = state?.causes ?? {}
  if (command.do === 'suppress') {
    const { do: _do, ...data } = command
    return causes[data.cause] === undefined ? [{ type: 'AddressSuppressed', data }] : []
  }
  const { do: _do, ...data } = command
  const stands = data.cause === undefined ? state?.suppressed : causes[data.cause]
  return stands === undefined ? [] : [{ type: 'AddressReleased', data }]
}
