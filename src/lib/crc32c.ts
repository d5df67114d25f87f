/** The polynomial of Castagnoli, its bits in reverse. */
const POLYNOMIAL = 0x82f63b78

/** Sixteen tables of 256 entries in one piece: entry n of table t is the CRC of byte n followed by t zero bytes. */
const TABLE = makeTable()

/**
 * CRC-32C (Castagnoli) of `data`, going on from `seed`, the value of what came before. Sixteen bytes a step, read as words
 * of four: about three times as fast as eight bytes read one by one.
 */
export function crc32c(data: Uint8Array, seed = 0): number {
  // Too short to hold a whole word in place; a typed array over it would not even be aligned.
  if (data.length < 8) return ~bytesInto(~seed, data, 0, data.length) >>> 0
  const head = -data.byteOffset & 3
  const words = new Int32Array(data.buffer, data.byteOffset + head, (data.length - head) >> 2)
  const tail = head + (words.length & ~3) * 4
  const crc = wordsInto(bytesInto(~seed, data, 0, head), words)
  return ~bytesInto(crc, data, tail, data.length) >>> 0
}

/** x to the powers 8, 16, 32 and so on, less the polynomial, in reverse: the highest bit is the coefficient of 1. */
const POWERS = makePowers()

/** The CRC-32C of data whose own is `crc`, with so many zero bytes behind it. */
export const zerosAfter = (crc: number, count: number): number => ~pastZeros(~crc, count) >>> 0

/** A CRC that is reckoned on over zero bytes, without what CRC-32C turns round at its beginning and end. */
function pastZeros(state: number, count: number): number {
  let now = state
  for (let at = 0, rest = count; rest > 0; at += 1, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) now = multiply(now, POWERS[at]!)
  }
  return now
}

/** What becomes of the CRC-32C of data of which pieces are replaced, without the rest being read again. */
export interface ReplacedCrc {
  /** Says that `now` stands in the place of `before`, which is as long and is used up. From front to back, never twice. */
  replace(position: number, before: Uint8Array, now: Uint8Array): void
  /** The CRC-32C of all. */
  value(): number
}

/** The data is `length` bytes long, and had this CRC-32C. */
export function replacedCrc(crc: number, length: number): ReplacedCrc {
  // A CRC is linear: what was added to the data, bit by bit, is what is added to its CRC, but for the turning round.
  let added = 0
  let at = 0
  return {
    replace(position, before, now) {
      if (position < at || before.length !== now.length) throw new RangeError('replaced out of order')
      for (let i = 0; i < now.length; i += 1) before[i]! ^= now[i]!
      added = ~crc32c(before, ~pastZeros(added, position - at))
      at = position + now.length
    },
    value: () => (crc ^ pastZeros(added, length - at)) >>> 0,
  }
}

/** The product of two polynomials, less as many times the polynomial of the CRC as it holds. */
function multiply(a: number, b: number): number {
  let product = 0
  let factor = b
  for (let bit = 1 << 31; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= factor
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1
  }
  return product
}

function makePowers(): Int32Array {
  const powers = new Int32Array(53)
  powers[0] = 1 << 23
  for (let at = 1; at < powers.length; at += 1) powers[at] = multiply(powers[at - 1]!, powers[at - 1]!)
  return powers
}

function bytesInto(seed: number, data: Uint8Array, from: number, to: number): number {
  let crc = seed
  for (let i = from; i < to; i += 1) crc = TABLE[(crc ^ data[i]!) & 255]! ^ (crc >>> 8)
  return crc
}

/** As many groups of four words as there are. Words are read in the machine's order, which is little-endian on x64 and arm64. */
function wordsInto(seed: number, words: Int32Array): number {
  let crc = seed
  for (let i = 0; i + 3 < words.length; i += 4) {
    const a = words[i]! ^ crc
    const b = words[i + 1]!
    const c = words[i + 2]!
    const d = words[i + 3]!
    crc =
      TABLE[3840 + (a & 255)]! ^
      TABLE[3584 + ((a >>> 8) & 255)]! ^
      TABLE[3328 + ((a >>> 16) & 255)]! ^
      TABLE[3072 + (a >>> 24)]! ^
      TABLE[2816 + (b & 255)]! ^
      TABLE[2560 + ((b >>> 8) & 255)]! ^
      TABLE[2304 + ((b >>> 16) & 255)]! ^
      TABLE[2048 + (b >>> 24)]! ^
      TABLE[1792 + (c & 255)]! ^
      TABLE[1536 + ((c >>> 8) & 255)]! ^
      TABLE[1280 + ((c >>> 16) & 255)]! ^
      TABLE[1024 + (c >>> 24)]! ^
      TABLE[768 + (d & 255)]! ^
      TABLE[512 + ((d >>> 8) & 255)]! ^
      TABLE[256 + ((d >>> 16) & 255)]! ^
      TABLE[d >>> 24]!
  }
  return crc
}

function makeTable(): Int32Array {
  const table = new Int32Array(16 * 256)
  for (let n = 0; n < 256; n += 1) {
    let c = n
    for (let k = 0; k < 8; k += 1) c = c & 1 ? POLYNOMIAL ^ (c >>> 1) : c >>> 1
    table[n] = c
  }
  for (let at = 256; at < table.length; at += 1) {
    const before = table[at - 256]!
    table[at] = table[before & 255]! ^ (before >>> 8)
  }
  return table
}
