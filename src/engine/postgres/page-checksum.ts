/** Rows of so many words are summed side by side. */
const SUMS = 32
const PRIME = 16_777_619

/** Where each sum begins: PostgreSQL's own numbers, of its checksum_impl.h. */
const BASES = Int32Array.from([
  0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c, 0xf8d4474f,
  0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb, 0xe58f764b, 0x187636bc,
  0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4, 0x783125bb, 0x6ca8eaa2, 0xe407eac6,
  0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
])

/** The two bytes of a page that hold its checksum, and the word they lie in. */
const CHECKSUM_AT = 8
const CHECKSUM_WORD = CHECKSUM_AT / 4

const sums = new Int32Array(SUMS)

/** Whether a page was never written: PostgreSQL gives such a page no checksum. By `pd_upper`, as PostgreSQL has it. */
export const isNewPage = (page: Buffer): boolean => page.readUInt16LE(14) === 0

/** The checksum that a page bears. */
export const checksumOf = (page: Buffer): number => page.readUInt16LE(CHECKSUM_AT)

/**
 * The checksum that a page must bear as block `block` of its relation: FNV-1a in 32 sums side by side, as PostgreSQL reckons it since 9.3.
 * `page` is a multiple of 128 bytes long and begins at an address that four divides.
 */
export function reckonChecksum(page: Buffer, block: number): number {
  const words = new Int32Array(page.buffer, page.byteOffset, page.length / 4)
  sums.set(BASES)
  for (let at = 0; at < words.length; at += SUMS) {
    for (let i = 0; i < SUMS; i += 1) {
      // The checksum itself counts as zero; what stands beside it in its word does not.
      const word = at + i === CHECKSUM_WORD ? words[at + i]! & ~0xffff : words[at + i]!
      const mixed = sums[i]! ^ word
      sums[i] = Math.imul(mixed, PRIME) ^ (mixed >>> 17)
    }
  }
  let all = 0
  for (let i = 0; i < SUMS; i += 1) {
    let sum = sums[i]!
    // Two rounds of zeros, so that the last words are mixed as well as the first.
    sum = Math.imul(sum, PRIME) ^ (sum >>> 17)
    sum = Math.imul(sum, PRIME) ^ (sum >>> 17)
    all ^= sum
  }
  return (((all ^ block) >>> 0) % 65_535) + 1
}
