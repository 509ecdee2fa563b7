import { describe, expect, test } from 'vitest'
import { createSourceSlots } from '#adapters/handlebars/source-slots.ts'

describe('the slots of a worker', () => {
  test('take a source once', () => {
    const slots = createSourceSlots({ entriesMax: 2, charsMax: 100 })
    expect(slots.place('a', { body: 'A' })).toEqual({ slot: 0, send: { body: 'A' }, forget: [] })
    expect(slots.place('a', { body: 'A' })).toEqual({ slot: 0, forget: [] })
  })

  test('take another source under the same hash anew', () => {
    const slots = createSourceSlots({ entriesMax: 2, charsMax: 100 })
    slots.place('a', { body: 'A' })
    expect(slots.place('a', { body: 'B' })).toEqual({ slot: 0, send: { body: 'B' }, forget: [0] })
  })

  test('give up what was not used for longest', () => {
    const slots = createSourceSlots({ entriesMax: 2, charsMax: 100 })
    slots.place('a', { body: 'A' })
    slots.place('b', { body: 'B' })
    slots.place('a', { body: 'A' })
    expect(slots.place('c', { body: 'C' })).toMatchObject({ slot: 1, forget: [1] })
    expect(slots.place('a', { body: 'A' })).toEqual({ slot: 0, forget: [] })
  })

  test('give up as many as a long source needs, and hold one that is longer than all', () => {
    const slots = createSourceSlots({ entriesMax: 9, charsMax: 10 })
    for (const name of ['a', 'b', 'c']) slots.place(name, { body: 'xxx' })
    expect(slots.place('d', { title: 'xxxx', body: 'xx' }).forget).toEqual([0, 1])
    expect(slots.place('e', { body: 'x'.repeat(50) }).forget).toHaveLength(2)
    expect(slots.place('e', { body: 'x'.repeat(50) })).not.toHaveProperty('send')
  })

  test('send the known fields only', () => {
    const slots = createSourceSlots({ entriesMax: 9, charsMax: 10 })
    const source = { body: 'x', extra: () => 1 }
    expect(slots.place('a', source).send).toEqual({ body: 'x' })
  })
})
