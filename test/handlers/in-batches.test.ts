import { describe, expect, test } from 'vitest'
import { inBatches } from '#handlers/in-batches.ts'
import { settle } from '../support/fake-clock.ts'

const collect = async (promises: readonly Promise<number>[]) => {
  const batches: (readonly number[])[] = []
  for await (const batch of inBatches(promises)) batches.push(batch)
  return batches
}

describe('promises in batches', () => {
  test('that are kept together come together', async () => {
    const batches = await collect([1, 2, 3].map((value) => Promise.resolve(value)))
    expect(batches.flat().toSorted()).toEqual([1, 2, 3])
    expect(batches.length).toBeLessThan(3)
  })

  test('that are kept late hold up no others', async () => {
    const late = Promise.withResolvers<number>()
    const seen: number[] = []
    const reading = (async () => {
      for await (const batch of inBatches([late.promise, Promise.resolve(1)])) seen.push(...batch)
    })()
    await settle()
    expect(seen).toEqual([1])
    late.resolve(2)
    await reading
    expect(seen).toEqual([1, 2])
  })

  test('lose nothing that comes while a batch is worked on', async () => {
    const second = Promise.withResolvers<number>()
    const third = Promise.withResolvers<number>()
    const seen: (readonly number[])[] = []
    for await (const batch of inBatches([Promise.resolve(1), second.promise, third.promise])) {
      seen.push(batch)
      second.resolve(2)
      third.resolve(3)
      await settle()
    }
    expect(seen).toEqual([[1], [2, 3]])
  })

  test('that are broken do not hold back the others; the first failure is thrown last', async () => {
    const late = Promise.withResolvers<number>()
    const seen: number[] = []
    const reading = (async () => {
      const broken = [Promise.reject(new Error('first')), Promise.reject(new Error('second'))]
      for await (const batch of inBatches([...broken, late.promise])) seen.push(...batch)
    })()
    const failing = expect(reading).rejects.toThrow('first')
    await settle()
    late.resolve(7)
    await failing
    expect(seen).toEqual([7])
  })

  test('of which there are none end at once', async () => {
    expect(await collect([])).toEqual([])
  })
})
