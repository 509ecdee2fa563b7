import type { Random } from '#ports/random.ts'

/** The same numbers for the same seed (mulberry32). */
export const createSeededRandom = (seed = 1): Random => {
  let state = seed >>> 0

  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const bytes = (count: number): Buffer => {
    const drawn = Buffer.alloc(Math.ceil(count / 4) * 4)
    for (let at = 0; at < drawn.length; at += 4) drawn.writeUInt32LE(word(), at)
    return drawn.subarray(0, count)
  }

  return {
    uuid() {
      const drawn = bytes(16)
      drawn[6] = (drawn[6]! & 0x0f) | 0x40
      drawn[8] = (drawn[8]! & 0x3f) | 0x80
      const hex = drawn.toString('hex')
      return [
        [0, 8],
        [8, 12],
        [12, 16],
        [16, 20],
        [20, 32],
      ]
        .map(([from, to]) => hex.slice(from, to))
        .join('-')
    },
    fraction: () => word() / 2 ** 32,
    secret: (count) => bytes(count).toString('base64url'),
  }
}
