/** Length and CRC-32C of a file. */
export interface FileSum {
  readonly size: number
  readonly crc: number
}

/** Which files were written, with length and CRC-32C: a few bytes each, so that millions fit into little memory. */
export interface FileList {
  /** `path` is a byte string. */
  add(path: string, size: number, crc: number): void
  /** What is known of `path`, which counts as looked at from now on; undefined when it was not added. */
  look(path: string): FileSum | undefined
  /** How many were added and never looked at. */
  unseen(): number
}

/**
 * Keeps a 64-bit hash of each path instead of the path. That two of ten million files share one has a chance of less than
 * one to a hundred thousand, and then a whole set is called damaged, never a damaged one whole.
 */
export function createFileList(): FileList {
  const blocks: Block[] = []
  /** Where each file's record is, counted from 1, by hash; never more than three quarters full. */
  let slots = new Uint32Array(1024)
  let count = 0
  let looked = 0

  /** The slot of the file with this hash, or the empty one where it belongs. */
  const find = (low: number, high: number): number => {
    const mask = slots.length - 1
    let slot = low & mask
    for (let record = slots[slot] ?? 0; record !== 0; record = slots[slot] ?? 0) {
      const { hashes } = blockOf(record)
      const at = ((record - 1) % BLOCK) * 2
      if (hashes[at] === low && hashes[at + 1] === high) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }
  const blockOf = (record: number): Block => blocks[Math.floor((record - 1) / BLOCK)] ?? NONE

  const grow = () => {
    slots = new Uint32Array(slots.length * 2)
    for (let record = 1; record <= count; record += 1) {
      const { hashes } = blockOf(record)
      const at = ((record - 1) % BLOCK) * 2
      slots[find(hashes[at] ?? 0, hashes[at + 1] ?? 0)] = record
    }
  }

  return {
    add(path, size, crc) {
      if (count * 4 >= slots.length * 3) grow()
      const [low, high] = [hash(path, 0x811c9dc5), hash(path, 0x9747b28c)]
      const at = count % BLOCK
      if (at === 0) blocks.push(createBlock())
      count += 1
      const block = blockOf(count)
      slots[find(low, high)] = count
      block.hashes[at * 2] = low
      block.hashes[at * 2 + 1] = high
      block.sizes[at] = size
      block.crcs[at] = crc
    },
    look(path) {
      const record = slots[find(hash(path, 0x811c9dc5), hash(path, 0x9747b28c))] ?? 0
      if (record === 0) return undefined
      const { sizes, crcs, seen } = blockOf(record)
      const at = (record - 1) % BLOCK
      if (seen[at] === 0) looked += 1
      seen[at] = 1
      return { size: sizes[at] ?? 0, crc: crcs[at] ?? 0 }
    },
    unseen: () => count - looked,
  }
}

/** Records of so many files are kept together, so that more of them never means a copy of all. */
const BLOCK = 32_768

const createBlock = (length = BLOCK) => ({
  /** Two halves of 32 bits each. */
  hashes: new Uint32Array(length * 2),
  sizes: new Float64Array(length),
  crcs: new Uint32Array(length),
  seen: new Uint8Array(length),
})

type Block = ReturnType<typeof createBlock>

const NONE = createBlock(0)

/** FNV-1a with a last mixing, so that two seeds give two independent halves. */
function hash(path: string, seed: number): number {
  let value = seed
  for (let i = 0; i < path.length; i += 1) value = Math.imul(value ^ path.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
