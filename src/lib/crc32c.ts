const TABLES = makeTables()

/** CRC-32C (Castagnoli) of `data`, going on from `seed`, the value of what came before. Eight bytes a step. */
export function crc32c(data: Uint8Array, seed = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
  let crc = ~seed
  let i = 0
  const last = data.length - 7
  for (; i < last; i += 8) {
    crc ^= data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    crc =
      t7[crc & 255]! ^
      t6[(crc >>> 8) & 255]! ^
      t5[(crc >>> 16) & 255]! ^
      t4[crc >>> 24]! ^
      t3[data[i + 4]!]! ^
      t2[data[i + 5]!]! ^
      t1[data[i + 6]!]! ^
      t0[data[i + 7]!]!
  }
  for (; i < data.length; i += 1) crc = t0[(crc ^ data[i]!) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}

function makeTables(): Uint32Array[] {
  const tables = [new Uint32Array(256)]
  for (let n = 0; n < 256; n += 1) {
    let c = n
    for (let k = 0; k < 8; k += 1) c = c & 1 ? 0x82f63b78 ^ (c >>> 1) : c >>> 1
    tables[0]![n] = c
  }
  for (let t = 1; t < 8; t += 1) tables.push(tables[t - 1]!.map((c) => tables[0]![c & 255]! ^ (c >>> 8)))
  return tables
}
