import { describe, expect, test } from 'vitest'
import { type Callback, evolveCallback } from '#domain/callback/callback.ts'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import { fact, hour, recorded, t0 } from '../../support/given.ts'

const callbackId = 'one'
const receipt = { outcome: { is: 'delivered' } }
const came = fact('CallbackQuarantined', { callbackId, provider: 'twilio', receipt }, t0)
const matched = fact('CallbackMatched', { callbackId }, t0 + hour)
const expired = fact('CallbackExpired', { callbackId }, t0 + 2 * hour)

const foldedOf = (facts: Parameters<typeof recorded>[0]): Callback | undefined => {
  let state: Callback | undefined
  for (const each of recorded(facts)) state = evolveCallback(state, each)
  return state
}

describe('a callback', () => {
  test('waits from when it came', () =>
    expect(foldedOf([came])).toEqual({
      revision: 0,
      callbackId,
      provider: 'twilio',
      receipt,
      receivedAt: t0,
      status: 'waiting',
    }))
  test('told again keeps its first time', () =>
    expect(foldedOf([came, { ...came, at: t0 + hour }])?.receivedAt).toBe(t0))
  test('is matched', () => expect(foldedOf([came, matched])?.status).toBe('matched'))
  test('is given up', () => expect(foldedOf([came, expired])?.status).toBe('expired'))
  test('stays matched though it is given up later', () =>
    expect(foldedOf([came, matched, expired])?.status).toBe('matched'))
  test('is nothing before it came', () => expect(foldedOf([matched])).toBeUndefined())
  test('of the future stops the folding', () => {
    const [first] = recorded([came])
    expect(() => evolveCallback(undefined, { ...first!, type: 'CallbackSung' })).toThrow(
      UnknownEvent,
    )
    expect(() => evolveCallback(undefined, { ...first!, schemaVersion: 2 })).toThrow(UnknownEvent)
  })
})
