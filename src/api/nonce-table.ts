/** A set of 64-bit hashes, each given as two 32-bit halves. Costs 11 to 23 bytes a hash and makes no object for one. */
export interface NonceTable {
  /** Adds a hash; false when it was there. */
  add(high: number, low: number): boolean
  has(high: number, low: number): boolean
  readonly size: number
  /** Bytes of memory taken. */
  readonly bytes: number
}

/** Shards grow one by one, so that no single call pays for the growth of all. */
const SHARDS = 256
const FIRST_SLOTS = 16
const FULLEST = 0.7

/**
 * A table that takes memory as it fills: open addressing in typed arrays, split by the last bits of the hash. The pair 0, 0
 * marks an empty slot: the hash that is 0 is kept as 1.
 */
export function createNonceTable(): NonceTable {
  const shards: (Shard | undefined)[] = Array.from({ length: SHARDS }, () => undefined)
  let size = 0
  let bytes = 0

  const grow = (shard: Shard | undefined): Shard => {
    const grown = grownFrom(shard)
    bytes += grown.slots.byteLength - (shard?.slots.byteLength ?? 0)
    return grown
  }

  return {
    get size() {
      return size
    },
    get bytes() {
      return bytes
    },

    has(high, low) {
      const shard = shards[low & (SHARDS - 1)]
      return shard !== undefined && shard.slots[slotOf(shard.slots, high, low || 1)] !== 0
    },

    add(high, low) {
      const at = low & (SHARDS - 1)
      let shard = shards[at]
      if (shard === undefined || shard.used >= shard.slots.length * (FULLEST / 2)) {
        shard = grow(shard)
        shards[at] = shard
      }
      if (!insert(shard, high, low || 1)) return false
      size += 1
      return true
    },
  }
}

interface Shard {
  /** The halves of one hash beside each other. The low half is never 0 where there is one. */
  readonly slots: Uint32Array
  used: number
}

function grownFrom(old: Shard | undefined): Shard {
  const shard: Shard = { slots: new Uint32Array(old ? old.slots.length * 2 : FIRST_SLOTS * 2), used: 0 }
  const slots = old?.slots ?? []
  for (let at = 0; at < slots.length; at += 2) {
    const low = slots[at] ?? 0
    if (low !== 0) insert(shard, slots[at + 1] ?? 0, low)
  }
  return shard
}

function insert(shard: Shard, high: number, low: number): boolean {
  const at = slotOf(shard.slots, high, low)
  if (shard.slots[at] !== 0) return false
  shard.slots[at] = low
  shard.slots[at + 1] = high
  shard.used += 1
  return true
}

/** Where the hash stands, or the empty slot where it would. */
function slotOf(slots: Uint32Array, high: number, low: number): number {
  const last = slots.length - 1
  let at = (high << 1) & last
  while (slots[at] !== 0 && (slots[at] !== low >>> 0 || slots[at + 1] !== high >>> 0)) at = (at + 2) & last
  return at
}
