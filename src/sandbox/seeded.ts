/** FNV-1a with murmur's finish: fast, and good enough to spread faults; not for secrets. */
export const hashText = (seed: number, text: string): number => {
  let hash = (0x811c9dc5 ^ seed) >>> 0
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** From 0 up to but never 1, the same for the same seed and text. */
export const chance = (seed: number, text: string): number => hashText(seed, text) / 0x1_0000_0000
