import { describe, expect, test } from 'vitest'
import { type AddressCommand, decideAddress, evolveAddress } from '#domain/address/address.ts'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import {
  addressOf,
  type Fact,
  fact,
  givenAddress,
  hour,
  iso,
  recorded,
  t0,
} from '../../support/given.ts'

const where = { app: 'shop', channel: 'sms' } as const
const evidence = { provider: 'twilio', code: '21610' }
const suppressed = (cause = 'opted-out', at = t0) =>
  fact('AddressSuppressed', { ...where, cause, evidence }, at)
const released = () => fact('AddressReleased', { ...where, reason: 'asked by phone' }, t0 + hour)

const suppress = (cause: 'opted-out' | 'complaint' = 'opted-out'): AddressCommand => ({
  ...{ do: 'suppress', ...where, cause, evidence },
})
const release: AddressCommand = { do: 'release', ...where, reason: 'asked by phone' }

const states: Readonly<Record<string, readonly Fact[]>> = {
  unknown: [],
  suppressed: [suppressed()],
  released: [suppressed(), released()],
  'suppressed again': [suppressed(), released(), suppressed('complaint', t0 + 2 * hour)],
}
const table: Readonly<Record<string, Readonly<Record<AddressCommand['do'], string>>>> = {
  unknown: { suppress: 'AddressSuppressed', release: '' },
  suppressed: { suppress: '', release: 'AddressReleased' },
  released: { suppress: 'AddressSuppressed', release: '' },
  'suppressed again': { suppress: 'AddressSuppressed', release: 'AddressReleased' },
}

test('every state of an address has a row', () => {
  expect(Object.keys(table)).toEqual(Object.keys(states))
})

describe.each(Object.entries(states))('for an address that is %s,', (name, facts) => {
  test.each([suppress(), release])('the command to $do answers as the table says', (command) => {
    const events = decideAddress(addressOf(facts), command)
    expect(events.map((event) => event.type).join()).toBe(table[name]?.[command.do])
  })
})

describe('an address', () => {
  test('is suppressed with its cause and the evidence', () =>
    givenAddress().when(suppress()).thenEvents(suppressed()))

  test('is released with the reason', () =>
    givenAddress(suppressed()).when(release).thenEvents(released()))

  test('keeps every cause and names the weightiest', () => {
    givenAddress(suppressed()).when(suppress('complaint')).thenEvents(suppressed('complaint'))
    const state = addressOf([suppressed(), suppressed('complaint', t0 + hour)])
    expect(state?.suppressed).toEqual({ cause: 'complaint', at: iso(t0 + hour) })
    expect(state?.causes).toEqual({ 'opted-out': iso(t0), complaint: iso(t0 + hour) })
  })

  test('keeps the date of a cause that is told again', () => {
    const state = addressOf([suppressed(), suppressed('opted-out', t0 + hour)])
    expect(state?.suppressed).toEqual({ cause: 'opted-out', at: iso(t0) })
  })

  test('stays suppressed when only another cause is lifted', () => {
    const facts = [suppressed('endpoint-invalid'), suppressed('opted-out', t0 + hour)]
    const lift: AddressCommand = { do: 'release', ...where, reason: 'r', cause: 'endpoint-invalid' }
    const [lifted] = decideAddress(addressOf(facts), lift)
    expect(lifted?.data).toMatchObject({ cause: 'endpoint-invalid' })
    const state = addressOf([...facts, { ...released(), data: { ...lifted!.data } }])
    expect(state?.suppressed?.cause).toBe('opted-out')
    expect(decideAddress(state, lift)).toEqual([])
  })

  test('has a new cause after it was released', () => {
    const state = addressOf(states['suppressed again']!)
    expect(state).toEqual({
      revision: 2,
      causes: { complaint: iso(t0 + 2 * hour) },
      suppressed: { cause: 'complaint', at: iso(t0 + 2 * hour) },
    })
  })

  test('that is released is not suppressed', () =>
    expect(addressOf([suppressed(), released()])).toEqual({ revision: 1, causes: {} }))

  test.each([
    ['an unknown type', { type: 'AddressSung' }],
    ['a newer version', { schemaVersion: 2 }],
  ])('stops folding at %s', (_what, change) => {
    const [first] = recorded([suppressed()])
    expect(() => evolveAddress(undefined, { ...first!, ...change })).toThrow(UnknownEvent)
  })
})
