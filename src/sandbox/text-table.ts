import { hashText } from './seeded.ts'

const blockBytes = 1 << 18
const textCharsMax = 4_096
const textBytesMax = textCharsMax * 3

const doubled = <A extends Int32Array | Uint32Array>(array: A, empty: A): A => {
  empty.set(array)
  return empty
}

/**
 * Gives every different text a number. The texts lie in buffers and the index in typed arrays, so that a million of
 * them cost the garbage collector nothing; a Map of strings took four times the memory.
 */
export class TextTable {
  #blocks: Buffer[] = []
  #free = blockBytes
  #slots = new Int32Array(1_024)
  #hashes = new Uint32Array(512)
  #starts = new Uint32Array(512)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Texts are told apart by their first 4,096 characters. */
  idOf(whole: string): number {
    const text = whole.length > textCharsMax ? whole.slice(0, textCharsMax) : whole
    const hash = hashText(0, text)
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const id = this.#slots[slot]! - 1
      if (this.#hashes[id] === hash && this.text(id) === text) return id
    }
    const id = this.#size++
    this.#slots[slot] = id + 1
    if (id === this.#hashes.length) this.#growIds()
    this.#hashes[id] = hash
    this.#starts[id] = this.#store(text)
    if (this.#size * 2 > this.#slots.length) this.#growSlots()
    return id
  }

  text(id: number): string {
    const start = this.#starts[id]!
    const block = this.#blocks[Math.floor(start / blockBytes)]!
    const from = start % blockBytes
    return block.toString('utf8', from + 2, from + 2 + block.readUInt16LE(from))
  }

  #store(text: string): number {
    if (this.#free + 2 + textBytesMax > blockBytes) {
      this.#blocks.push(Buffer.allocUnsafeSlow(blockBytes))
      this.#free = 0
    }
    const block = this.#blocks.at(-1)!
    const from = this.#free
    const bytes = block.write(text, from + 2, textBytesMax, 'utf8')
    block.writeUInt16LE(bytes, from)
    this.#free = from + 2 + bytes
    return (this.#blocks.length - 1) * blockBytes + from
  }

  #growIds(): void {
    const ids = this.#hashes.length * 2
    this.#hashes = doubled(this.#hashes, new Uint32Array(ids))
    this.#starts = doubled(this.#starts, new Uint32Array(ids))
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let id = 0; id < this.#size; id++) {
      let slot = this.#hashes[id]! & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = id + 1
    }
    this.#slots = slots
  }
}
