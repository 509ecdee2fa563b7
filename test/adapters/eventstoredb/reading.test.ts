import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { streamPrefixes } from '#adapters/eventstoredb/envelope.ts'
import {
  comparePositions,
  formatPosition,
  parsePosition,
} from '#adapters/eventstoredb/positions.ts'
import { newEvents, newStream, readLog } from '../../contracts/log-samples.ts'
import { openDouble } from '../../support/eventstoredb/double.ts'
import { openStore } from './open-store.ts'

const foreign = (stream: string, type = 'OrderPlaced') => ({
  stream,
  expected: 'any' as const,
  events: [
    {
      id: crypto.randomUUID(),
      type,
      contentType: 'application/json',
      data: Buffer.from('{"total":1}'),
      metadata: Buffer.from('{}'),
    },
  ],
})

describe('a log that others use too', () => {
  test('gives our events alone, in pages that go on', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    for (let at = 0; at < 20; at++) {
      for (let count = 0; count <= at % 7; count++) double.log.append(foreign('order-1'))
      double.log.append(foreign('$stats-0', '$statsCollected'))
      await store.append(newStream(), newEvents(1), { expected: 'no-stream' })
    }
    const all = await readLog(store, undefined)
    expect(all).toHaveLength(20)
    for (const limit of [1, 2, 7, 19, 20, 21])
      expect(await readLog(store, undefined, limit)).toEqual(all)
    for (const [at, { position }] of all.entries())
      expect(await readLog(store, position, 3)).toEqual(all.slice(at + 1))
  })

  test('has its head at our newest event, however much follows', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    expect(await store.head()).toBeUndefined()
    const { position } = await store.append(newStream(), newEvents(3), { expected: 'no-stream' })
    for (let at = 0; at < 2_000; at++) double.log.append(foreign('order-1'))
    expect(await store.head()).toBe(position)
    // Of a store that has not written it either.
    await using other = await openStore(double.url)
    expect(await other.head()).toBe(position)
    expect(await store.readAll({ after: position, limit: 10 })).toEqual({
      events: [],
      checkpoint: position,
      atHead: true,
    })
  })

  test('moves on in a long run of events of others', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url, { scanMax: 1_000 })
    for (let at = 0; at < 1_500; at++) double.log.append(foreign('order-1'))
    const ours = newEvents(1)
    await store.append(newStream(), ours, { expected: 'no-stream' })
    const page = await store.readAll({ limit: 10 })
    expect(page).toMatchObject({ events: [], atHead: false })
    const rest = await store.readAll({ after: page.checkpoint, limit: 10 })
    expect(rest.events.map(({ id }) => id)).toEqual(ours.map(({ id }) => id))
  })

  test('passes over a tombstone, which lies in a stream of ours', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    const [gone, kept] = [newStream(), newStream()]
    await store.append(gone, newEvents(2), { expected: 'no-stream' })
    double.log.remove(gone, 'tombstone', 'any')
    await store.append(kept, newEvents(1), { expected: 'no-stream' })
    const events = (await store.readAll({ limit: 10 })).events
    expect(events.map(({ stream }) => stream)).toEqual([gone, gone, kept])
  })

  test('begins a stream again that was softly deleted, and reads what is new', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    const stream = newStream()
    await store.append(stream, newEvents(2), { expected: 'no-stream' })
    double.log.remove(stream, 'soft', 'any')
    expect(await store.read(stream)).toEqual([])
    const again = await store.append(stream, newEvents(1), { expected: 'no-stream' })
    expect(again.revision).toBe(2)
    expect(await store.read(stream)).toHaveLength(1)
  })

  test('does not decide on a stream that somebody else wrote to', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url)
    const stream = newStream()
    await store.append(stream, newEvents(1), { expected: 'no-stream' })
    double.log.append(foreign(stream))
    await expect(store.read(stream)).rejects.toThrow(
      `Event 1 of ${stream} was not written by Pabal.`,
    )
  })
})

describe('a read', () => {
  test.each(['read-unavailable', 'read-no-reply', 'read-not-leader'] as const)(
    'is made again after %s',
    async (kind) => {
      await using double = await openDouble()
      await using store = await openStore(double.url)
      const stream = newStream()
      await store.append(stream, newEvents(3), { expected: 'no-stream' })
      double.faults.arm({ kind, after: double.port })
      expect(await store.read(stream)).toHaveLength(3)
      double.faults.arm({ kind, after: double.port })
      expect((await store.readAll({ limit: 10 })).events).toHaveLength(3)
      double.faults.arm({ kind, after: double.port })
      expect(await store.head()).toBeDefined()
      expect(double.faults.struck()).toEqual({ [kind]: 3 })
    },
  )

  test('is given up when the server never answers', async () => {
    await using double = await openDouble()
    const timing = { tryMs: 50, callMs: 300, retryMs: 5, retryMaxMs: 10 }
    await using store = await openStore(double.url)
    await using hasty = await openStore(double.url, { timing })
    const stream = newStream()
    await store.append(stream, newEvents(1), { expected: 'no-stream' })
    double.faults.arm({ kind: 'read-no-reply', times: 1_000 })
    await expect(hasty.read(stream)).rejects.toMatchObject({ code: 'eventstore/no-answer' })
  })
})

test('every kind of stream that the documentation names is found by subscriptions', () => {
  const page = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8')
  const kinds = [...page.matchAll(/^\| `([a-z]+-)<[^|]+ \|/gm)].map(([, prefix]) => prefix)
  expect(kinds.length).toBeGreaterThanOrEqual(6)
  expect(kinds.filter((prefix) => !streamPrefixes.includes(prefix ?? ''))).toEqual([])
})

describe('positions', () => {
  test('keep both numbers, however large', () => {
    const text = '9223372036854775807/9223372036854775806'
    expect(formatPosition(parsePosition(text))).toBe(text)
  })

  test('are ordered as numbers, the second where the first is the same', () => {
    const sorted = ['9/9', '10/2', '10/10', '9007199254740993/1', '9007199254740993/2']
    expect(sorted.toReversed().sort(comparePositions)).toEqual(sorted)
  })

  test.each(['', '1', '1/', '-1/1', '1/1/1', 'x/1'])('are not %j', (text) => {
    expect(() => comparePositions(text, text)).toThrow(RangeError)
  })
})
