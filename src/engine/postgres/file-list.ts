/** Which files were written, with length and CRC-32C: a few bytes each, so that millions fit into little memory. */
export interface FileList {
  /** `path` is a byte string. */
  add(path: string, size: number, crc: number): void
  /** What is known of `path`, which counts as looked at from now on; undefined when it was not added. */
  look(path: string): { readonly size: number; readonly crc: number } | undefined
  /** How many were added and never looked at. */
  unseen(): number
}

/**
 * Keeps a 64-bit hash of each path instead of the path. That two of ten million files share one has a chance of less than
 * one to a hundred thousand, and then a whole set is called damaged, never a damaged one whole.
 */
export function createFileList(): FileList {
  let table = createTable(1024)
  let count = 0
  let looked = 0
  return {
    add(path, size, crc) {
      if (count * 2 > table.capacity) table = grow(table)
      const slot = table.find(hash(path, 0x811c9dc5), hash(path, 0x9747b28c))
      table.fill(slot, hash(path, 0x811c9dc5), hash(path, 0x9747b28c), size, crc)
      count += 1
    },
    look(path) {
      const slot = table.find(hash(path, 0x811c9dc5), hash(path, 0x9747b28c))
      if (table.state[slot] === EMPTY) return undefined
      if (table.state[slot] === ADDED) looked += 1
      table.state[slot] = SEEN
      return { size: table.size[slot] ?? 0, crc: table.crc[slot] ?? 0 }
    },
    unseen: () => count - looked,
  }
}

const EMPTY = 0
const ADDED = 1
const SEEN = 2

/** A hash table with open addressing; never more than half full. */
function createTable(capacity: number) {
  const low = new Uint32Array(capacity)
  const high = new Uint32Array(capacity)
  const size = new Float64Array(capacity)
  const crc = new Uint32Array(capacity)
  const state = new Uint8Array(capacity)
  return {
    capacity,
    low,
    high,
    size,
    crc,
    state,
    find(keyLow: number, keyHigh: number): number {
      let slot = keyLow & (capacity - 1)
      while (state[slot] !== EMPTY && (low[slot] !== keyLow || high[slot] !== keyHigh))
        slot = (slot + 1) & (capacity - 1)
      return slot
    },
    fill(slot: number, keyLow: number, keyHigh: number, itsSize: number, itsCrc: number): void {
      low[slot] = keyLow
      high[slot] = keyHigh
      size[slot] = itsSize
      crc[slot] = itsCrc
      state[slot] = ADDED
    },
  }
}

type Table = ReturnType<typeof createTable>

function grow(old: Table): Table {
  const table = createTable(old.capacity * 2)
  for (let i = 0; i < old.capacity; i += 1) {
    if (old.state[i] === EMPTY) continue
    const [low = 0, high = 0] = [old.low[i], old.high[i]]
    const slot = table.find(low, high)
    table.fill(slot, low, high, old.size[i] ?? 0, old.crc[i] ?? 0)
    table.state[slot] = old.state[i] ?? EMPTY
  }
  return table
}

/** FNV-1a with a last mixing, so that two seeds give two independent halves. */
function hash(path: string, seed: number): number {
  let value = seed
  for (let i = 0; i < path.length; i += 1) value = Math.imul(value ^ path.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
