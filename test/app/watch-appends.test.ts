import { describe, expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'
import { watchAppends } from '#src/app/watch-appends.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const open = () => {
  const clock = createFakeClock()
  let isFull = false
  const memory = createMemoryEventStore()
  const events: EventStore = {
    ...memory,
    append: async () => {
      if (isFull) throw new Unavailable('store/disk-full', 'The disk is full.')
      return { revision: 0, position: '1' } as Awaited<ReturnType<EventStore['append']>>
    },
  }
  const watched = watchAppends(events, clock)
  const append = async (full: boolean) => {
    isFull = full
    await watched.events.append('orders-1', [], { expected: 'no-stream' }).catch(() => {})
  }
  return { clock, append, code: () => watched.lastFailure()?.code }
}

describe('the log takes no append', () => {
  test('nothing is said before one is refused', async () => {
    const { append, code } = open()
    await append(false)
    expect(code()).toBeUndefined()
  })

  test('what found its place beside a refused one does not hide the refusal', async () => {
    const { clock, append, code } = open()
    await append(true)
    await append(false)
    expect(code()).toBe('store/disk-full')
    await clock.advance(999)
    expect(code()).toBe('store/disk-full')
    await clock.advance(1)
    expect(code()).toBeUndefined()
  })

  test('each refusal counts anew', async () => {
    const { clock, append, code } = open()
    await append(true)
    await append(false)
    await clock.advance(900)
    await append(true)
    await clock.advance(9_999)
    expect(code()).toBe('store/disk-full')
  })

  test('without traffic it is believed to work again after a while', async () => {
    const { clock, append, code } = open()
    await append(true)
    await clock.advance(9_999)
    expect(code()).toBe('store/disk-full')
    await clock.advance(1)
    expect(code()).toBeUndefined()
  })
})
