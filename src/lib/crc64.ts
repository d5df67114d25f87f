/** The polynomial of ECMA-182, its bits in reverse, as CRC-64/XZ and Alibaba's object store have it. */
const POLYNOMIAL = 0xc96c5795d7870f42n
/** x to the power 0 and 8, in reverse too: the highest bit is the coefficient of 1. */
const ONE = 1n << 63n
const BYTE = 1n << 55n

/** Eight tables of 256 entries in one piece, the low and the high halves apart: entry n of table t is byte n followed by t zero bytes. */
const [LOW, HIGH] = makeTables()

/**
 * CRC-64 of ECMA-182 (CRC-64/XZ; `x-oss-hash-crc64ecma`) of `data`, going on from `seed`, the value of what came before. Eight
 * bytes a step in halves of 32 bits: a bigint a byte would be a hundred times slower.
 */
export function crc64(data: Uint8Array, seed = 0n): bigint {
  const state = { low: Number(BigInt.asIntN(32, ~seed)), high: Number(BigInt.asIntN(32, ~seed >> 32n)) }
  const head = -data.byteOffset & 3
  // Too short to hold a whole pair in place; a typed array over it would not even be aligned.
  if (data.length < head + 8) {
    bytesInto(state, data, 0, data.length)
    return valueOf(state)
  }
  const words = new Int32Array(data.buffer, data.byteOffset + head, (data.length - head) >> 2)
  bytesInto(state, data, 0, head)
  wordsInto(state, words)
  bytesInto(state, data, head + (words.length & ~1) * 4, data.length)
  return valueOf(state)
}

const valueOf = ({ low, high }: State): bigint => BigInt.asUintN(64, ~((BigInt(high) << 32n) | BigInt(low >>> 0)))

/** The CRC-64 of two pieces one after the other, of the CRC-64 of each and the length of the second in bytes. */
export function joinCrc64(first: bigint, second: bigint, secondLength: number): bigint {
  let shift = ONE
  let power = BYTE
  for (let rest = BigInt(secondLength); rest > 0n; rest >>= 1n) {
    if (rest & 1n) shift = multiply(shift, power)
    power = multiply(power, power)
  }
  return multiply(shift, first) ^ second
}

/** The product of two polynomials, less as many times the polynomial of the CRC as it holds. */
function multiply(a: bigint, b: bigint): bigint {
  let product = 0n
  let factor = b
  for (let bit = ONE; bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= factor
    factor = factor & 1n ? (factor >> 1n) ^ POLYNOMIAL : factor >> 1n
  }
  return product
}

interface State {
  low: number
  high: number
}

function bytesInto(state: State, data: Uint8Array, from: number, to: number): void {
  let { low, high } = state
  for (let i = from; i < to; i += 1) {
    const at = (low ^ data[i]!) & 255
    low = LOW[at]! ^ ((low >>> 8) | (high << 24))
    high = HIGH[at]! ^ (high >>> 8)
  }
  state.low = low
  state.high = high
}

/** As many pairs of words as there are. Words are read in the machine's order, which is little-endian on x64 and arm64. */
function wordsInto(state: State, words: Int32Array): void {
  let { low, high } = state
  for (let i = 0; i + 1 < words.length; i += 2) {
    const a = words[i]! ^ low
    const b = words[i + 1]! ^ high
    low = lookUp(LOW, a, b)
    high = lookUp(HIGH, a, b)
  }
  state.low = low
  state.high = high
}

const lookUp = (table: Int32Array, a: number, b: number): number =>
  table[1792 + (a & 255)]! ^
  table[1536 + ((a >>> 8) & 255)]! ^
  table[1280 + ((a >>> 16) & 255)]! ^
  table[1024 + (a >>> 24)]! ^
  table[768 + (b & 255)]! ^
  table[512 + ((b >>> 8) & 255)]! ^
  table[256 + ((b >>> 16) & 255)]! ^
  table[b >>> 24]!

function makeTables(): readonly [Int32Array, Int32Array] {
  const low = new Int32Array(8 * 256)
  const high = new Int32Array(8 * 256)
  for (let n = 0; n < 256; n += 1) {
    let c = BigInt(n)
    for (let k = 0; k < 8; k += 1) c = c & 1n ? POLYNOMIAL ^ (c >> 1n) : c >> 1n
    low[n] = Number(BigInt.asIntN(32, c))
    high[n] = Number(BigInt.asIntN(32, c >> 32n))
  }
  for (let at = 256; at < low.length; at += 1) {
    const [l, h] = [low[at - 256]!, high[at - 256]!]
    low[at] = low[l & 255]! ^ ((l >>> 8) | (h << 24))
    high[at] = high[l & 255]! ^ (h >>> 8)
  }
  return [low, high]
}
