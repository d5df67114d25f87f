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
    for (let k = 0; k < 8; k += 1) c = c & 1 ? 0x82f63b78 ^ (c >>> 1) : c >>> 1
    table[n] = c
  }
  for (let at = 256; at < table.length; at += 1) {
    const before = table[at - 256]!
    table[at] = table[before & 255]! ^ (before >>> 8)
  }
  return table
}
