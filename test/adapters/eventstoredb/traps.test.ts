import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { VersionConflict } from '#ports/errors.ts'
import { eventually } from '../../contracts/eventually.ts'
import { newEvents, newStream } from '../../contracts/log-samples.ts'
import { openDouble } from '../../support/eventstoredb/double.ts'
import { openStore } from './open-store.ts'

describe.each(['classic', 'batch'] as const)('an append (%s)', (append) => {
  test('is a conflict also where the address asks for answers instead of errors', async () => {
    await using double = await openDouble()
    await using store = await openStore(`${double.url}&throwOnAppendFailure=false`, { append })
    const stream = newStream()
    await store.append(stream, newEvents(3), { expected: 'no-stream' })
    const again = store.append(stream, newEvents(1), { expected: 0 })
    await expect(again).rejects.toThrow(VersionConflict)
    const { revision } = await store.append(stream, newEvents(2), { expected: 2 })
    expect(revision).toBe(4)
  })

  test('does not mind a server whose clock is minutes ahead', async () => {
    await using double = await openDouble({ clockOffsetMs: 5 * 60_000 })
    await using store = await openStore(double.url, { append })
    const stream = newStream()
    await store.append(stream, newEvents(1), { expected: 'no-stream' })
    expect(await store.read(stream)).toHaveLength(1)
  })

  test('under its old ids is written again at the next revision: only its own revision knows it', async () => {
    await using double = await openDouble()
    await using store = await openStore(double.url, { append })
    const [stream, events] = [newStream(), newEvents(1)]
    await store.append(stream, events, { expected: 'no-stream' })
    const repeated = await store.append(stream, events, { expected: 'no-stream' })
    expect(repeated.revision).toBe(0)
    const moved = await store.append(stream, events, { expected: 0 })
    expect(moved.revision).toBe(1)
  })
})

test('a subscription that is opened anew does not look again through what others wrote', async () => {
  await using double = await openDouble()
  await using store = await openStore(double.url)
  const ids = newEvents(2)
  await store.append(newStream(), ids, { expected: 'no-stream' })
  const stop = new AbortController()
  const seen: string[] = []
  const done = (async () => {
    for await (const { events } of store.subscribe({ signal: stop.signal }))
      seen.push(...events.map(({ id }) => id))
  })()
  await eventually(() => seen.length === 2)
  const foreign = {
    type: 'stats',
    contentType: 'application/json',
    data: Buffer.from('{}'),
    metadata: new Uint8Array(),
  }
  for (let at = 0; at < 70_000; at++) {
    const events = [{ ...foreign, id: crypto.randomUUID() }]
    double.log.append({ stream: '$stats-0', expected: 'any', events })
  }
  // A frame of a checkpoint comes for every 32,000 that were looked through, and counts once it is quiet.
  for (let times = 0; times < 10 && double.counts.lastStart < 30_000; times++) {
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    double.dropConnections()
  }
  expect(double.counts.lastStart).toBeGreaterThan(30_000)
  const after = newEvents(1)
  await store.append(newStream(), after, { expected: 'no-stream' })
  await eventually(() => seen.length === 3)
  expect(seen.at(-1)).toBe(after[0]!.id)
  stop.abort()
  await done
}, 60_000)

test('a process ends by itself once its store is closed', async () => {
  await using double = await openDouble()
  const module = new URL('open-store.ts', import.meta.url).href
  const script = `
    const { openStore } = await import(${JSON.stringify(module)})
    const store = await openStore(${JSON.stringify(double.url)})
    const stop = new AbortController()
    const following = (async () => {
      for await (const _page of store.subscribe({ signal: stop.signal })) {}
    })()
    await store.head()
    stop.abort()
    await following
    await store[Symbol.asyncDispose]()
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
})
