import { describe, expect, test } from 'vitest'
import { countSends } from '#cli/demo/sends.ts'
import { isClean, type OutcomeName, tally } from '#cli/demo/tally.ts'
import type { Notification } from '#domain/notification/state.ts'
import {
  accepted,
  delivered,
  dispatched,
  expired,
  type Fact,
  failed,
  notificationOf,
  parked,
  requested,
  resolved,
  routed,
  smsDelivery,
  unconfirmed,
} from '../support/given.ts'

const { deliveryId } = smsDelivery
const sent = [requested(), routed(), dispatched()]
const permanent = failed(1, { outcome: 'permanent', code: '21211', final: true })
const passedOver = [
  {
    endpoint: { kind: 'phone', masked: '+82********78' },
    reason: 'opted-out',
    rule: 'preferences.receive',
    seen: {},
  },
] as const

/** What happened, and how it is called at the end; one notification each. */
const rows: readonly (readonly [OutcomeName, string, readonly Fact[]])[] = [
  ['delivered', 'was delivered', [...sent, delivered()]],
  ['unconfirmed', 'never got its receipt', [...sent, accepted(), unconfirmed()]],
  ['suppressed', 'was not wanted', [requested(), routed({ deliveries: [], passedOver })]],
  ['failed', 'failed for good', [...sent, permanent]],
  ['failed', 'has an unknown fate', [...sent, resolved(1, { final: true, retryAt: undefined })]],
  ['expired', 'came too late', [requested(), routed(), expired()]],
  ['parked', 'was parked', [requested(), routed(), parked()]],
  ['pending', 'is under way', sent],
  ['pending', 'awaits its receipt', [...sent, accepted()]],
]

interface Story {
  readonly facts?: readonly Fact[]
  /** How often a provider took it. */
  readonly taken?: number
  readonly ambiguous?: readonly number[]
}

/** Everything that the demo has in its hands at the end; a story is of one notification. */
const judge = (...stories: readonly Story[]) => {
  const notifications = new Map<string, Notification>()
  const ambiguous = new Map<string, ReadonlySet<number>>()
  const ledger = stories.flatMap(({ facts, taken = 1, ambiguous: attempts }, index) => {
    const id = `n${index}`
    const state = facts && notificationOf(facts)
    if (state) notifications.set(id, state)
    const correlation = `${id}.${deliveryId}`
    if (attempts) ambiguous.set(correlation, new Set(attempts))
    return Array.from({ length: taken }, () => ({ correlation, taken: true, status: 201 }))
  })
  return tally({
    held: {
      accepted: new Map(stories.map((_, index) => [`e${index}`, `n${index}`])),
      replayed: 3,
      interrupted: 1,
    },
    recorded: { notifications, ambiguous },
    sends: countSends(ledger),
    ledger: { requests: ledger.length, duplicateSends: 0 },
    kills: 1,
    seconds: 2,
  })
}

const toldOnce: Story = { facts: [...sent, delivered()] }

describe('the tally', () => {
  test.each(rows)('counts as %s what %s', (outcome, _what, facts) => {
    expect(judge({ facts })).toMatchObject({ accepted: 1, [outcome]: 1 })
  })

  test('adds up', () => {
    const result = judge(...rows.map(([, , facts]) => ({ facts })), {})
    const { delivered: told, unconfirmed: open, suppressed, failed: no, expired: late } = result
    const { parked: waits, pending, lost, accepted: all } = result
    expect(all).toBe(rows.length + 1)
    expect(told + open + suppressed + no + late + waits + pending + lost).toBe(all)
    expect(result).toMatchObject({ replayed: 3, kills: 1, seconds: 2 })
  })

  test('is clean when everybody was told once', () => {
    expect(isClean(judge(toldOnce, toldOnce))).toBe(true)
  })

  test('counts an id that the service has no stream for as lost', () => {
    const result = judge(toldOnce, { taken: 0 })
    expect(result).toMatchObject({ accepted: 2, delivered: 1, lost: 1 })
    expect(isClean(result)).toBe(false)
  })

  test('counts as lost what is called delivered and never reached a provider', () => {
    expect(judge({ ...toldOnce, taken: 0 })).toMatchObject({ delivered: 0, lost: 1 })
  })

  test('counts as lost what was not sent for no reason', () => {
    const facts = [requested(), routed({ deliveries: [], passedOver: [] })]
    expect(judge({ facts, taken: 0 })).toMatchObject({ suppressed: 0, lost: 1 })
  })

  test('is not clean while something is pending', () => {
    expect(isClean(judge({ facts: sent }))).toBe(false)
  })

  test('finds the second send that no ambiguous attempt explains', () => {
    const result = judge(toldOnce, { ...toldOnce, taken: 2 })
    expect(result).toMatchObject({ unexplainedDuplicates: 1, ambiguous: 0 })
    expect(isClean(result)).toBe(false)
  })

  test('accepts as many more sends as attempts whose fate was not known', () => {
    const twice = { ...toldOnce, taken: 3, ambiguous: [1, 2] }
    expect(judge(twice)).toMatchObject({ unexplainedDuplicates: 0, ambiguous: 2 })
    expect(judge({ ...twice, taken: 4 })).toMatchObject({ unexplainedDuplicates: 1 })
  })
})

describe('the sends', () => {
  test('are counted by delivery, refused ones apart', () => {
    const sends = countSends([
      { correlation: 'a.d1', taken: false, status: 503 },
      { correlation: 'a.d1', taken: true, status: 0 },
      { correlation: 'b.d1', taken: false, status: 429 },
      { correlation: 'c.d1', taken: false, status: 202 },
    ])
    expect([...sends]).toEqual([
      ['a.d1', { taken: 1, answered: true }],
      ['b.d1', { taken: 0, answered: false }],
      ['c.d1', { taken: 0, answered: true }],
    ])
  })
})
