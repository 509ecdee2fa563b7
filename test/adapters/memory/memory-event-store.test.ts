import { expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { eventStoreContract } from '../../contracts/event-store.ts'
import { newEvent, newStream } from '../../contracts/log-samples.ts'

eventStoreContract('memory', async () => createMemoryEventStore())

test('what the memory log gives out cannot be changed', async () => {
  await using store = createMemoryEventStore()
  const stream = newStream()
  const data = { list: [1] }
  await store.append(stream, [newEvent({ data })], { expected: 'no-stream' })
  data.list.push(2)
  const [event] = await store.read(stream)
  expect(event?.data).toEqual({ list: [1] })
  expect(() => Object.assign(event?.data ?? {}, { more: 1 })).toThrow(TypeError)
  expect(Object.isFrozen(event?.data.list)).toBe(true)
})
