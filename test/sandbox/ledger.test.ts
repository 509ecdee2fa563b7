import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Ledger, type LedgerRecord } from '#sandbox/ledger.ts'
import { parseReference } from '#sandbox/reference.ts'
import { startSandbox } from '#sandbox/sandbox.ts'
import { createClients, deviceOf, ordinary } from './clients.ts'

const record = (ref: string, more: Partial<LedgerRecord> = {}): LedgerRecord => ({
  provider: 'apns',
  to: deviceOf(1),
  reference: parseReference(ref),
  status: 200,
  behaviour: 'success',
  taken: true,
  bodyBytes: 100,
  contentHash: hash('sha256', 'Hi', 'buffer'),
  ...more,
})

describe('the ledger', () => {
  test('reads the reference of a delivery, and takes any other text as it is', () => {
    const ledger = new Ledger()
    const refs = [
      'n.d.3',
      'n.d.3.signature',
      'whatever',
      'n.d.x',
      'n.d.03',
      '.d.1',
      'a..1',
      '한.글.1',
    ]
    for (const ref of refs) ledger.record(record(ref))
    expect(
      ledger.entries().map(({ correlation, attemptRef }) => [correlation, attemptRef]),
    ).toEqual([
      ['n.d', 'n.d.3'],
      ['n.d', 'n.d.3'],
      ['whatever', 'whatever'],
      ['n.d.x', 'n.d.x'],
      ['n.d.03', 'n.d.03'],
      ['.d.1', '.d.1'],
      ['a..1', 'a..1'],
      ['한.글', '한.글.1'],
    ])
  })

  test('counts a delivery that was taken twice as a duplicate', () => {
    const ledger = new Ledger()
    ledger.record(record('a.d.1'))
    ledger.record(record('b.d.1', { taken: false, status: 503 }))
    ledger.record(record('b.d.2'))
    for (const attempt of [1, 2, 3]) ledger.record(record(`c.d.${attempt}`, { provider: 'fcm' }))
    ledger.record(record(''))
    ledger.record(record(''))
    expect(ledger.summary()).toEqual({
      requests: 8,
      taken: 7,
      deliveries: 5,
      duplicateSends: 2,
      byProvider: { apns: 5, fcm: 3 },
      byStatus: { 200: 7, 503: 1 },
    })
    expect(
      ledger
        .byCorrelation()
        .get('b.d')
        ?.map(({ taken }) => taken),
    ).toEqual([false, true])
  })

  test('holds a hundred thousand entries and still tells them apart', () => {
    const ledger = new Ledger()
    const count = 100_000
    for (let i = 0; i < count; i++)
      ledger.record(record(`n${i}.d${i % 7}.${i % 5}`, { to: deviceOf(i), bodyBytes: i }))
    expect(ledger.summary()).toMatchObject({ deliveries: count, duplicateSends: 0 })
    let wrong = 0
    for (const { n, to, attemptRef, bodyBytes } of ledger.read()) {
      const i = n - 1
      const right = to === deviceOf(i) && attemptRef === `n${i}.d${i % 7}.${i % 5}`
      if (!right || bodyBytes !== i) wrong += 1
    }
    expect(wrong).toBe(0)
    expect(ledger.entries(count - 3)).toHaveLength(3)
  })

  test('keeps counting where it was after it was cleared', () => {
    const ledger = new Ledger()
    ledger.record(record('a.d.1'))
    ledger.clear()
    expect(ledger.summary().requests).toBe(0)
    ledger.record(record('b.d.1'))
    expect(ledger.entries()).toMatchObject([{ n: 2, correlation: 'b.d' }])
    expect(ledger.entries(1)).toHaveLength(1)
  })

  test('hashes what a person reads, the same on every attempt', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    for (const ref of ['n.d.1', 'n.d.2']) {
      await clients.apns(ordinary.apns, { ref })
      await clients.fcm(ordinary.fcm, { ref })
      await clients.sendgrid(ordinary.sendgrid, { ref })
    }
    await clients.twilio(ordinary.twilio)
    const hashOf = (text: string) => hash('sha256', text, 'hex')
    const entries = sandbox.ledger.entries()
    expect(new Set(entries.slice(0, 6).map(({ contentHash }) => contentHash))).toEqual(
      new Set([hashOf('Earthquake\nTake cover.')]),
    )
    expect(entries[6]?.contentHash).toBe(hashOf('Take cover.'))
  })

  test('falls back to the apns-id where a push has no reference', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const id = '11111111-2222-4333-8444-555555555555'
    await clients.apns(ordinary.apns, { headers: { 'apns-id': id } })
    expect(sandbox.ledger.entries()).toMatchObject([{ correlation: id, attemptRef: id }])
  })
})
