import { endianness } from 'node:os'
import { Fault } from '../../core/fault.ts'

/** What PostgreSQL puts before the name of a file of which an increment holds blocks only. */
const PREFIX = 'INCREMENTAL.'

/** The file that an increment's member holds blocks of; undefined for a member that is a whole file. A byte string, as `name`. */
export function targetOf(name: string): string | undefined {
  const cut = name.lastIndexOf('/') + 1
  return name.startsWith(PREFIX, cut) ? name.slice(0, cut) + name.slice(cut + PREFIX.length) : undefined
}

/** The name under which an increment holds blocks of a file. */
export function incrementOf(name: string): string {
  const cut = name.lastIndexOf('/') + 1
  return `${name.slice(0, cut)}${PREFIX}${name.slice(cut)}`
}

/** What stands before the blocks. */
export interface IncrementHeader {
  /** Bytes of the file that stay as they are, but for the blocks that follow. */
  readonly keep: number
  /** Bytes of the file afterwards. */
  readonly length: number
  /** Where each block goes, in the order in which they follow. */
  readonly positions: readonly number[]
}

/** Takes the bytes of one such member, cut anywhere. */
export interface IncrementReader {
  /** Bytes of the chunk that belong to the header; once it is whole, `header` has it. */
  take(chunk: Uint8Array): number
  readonly header: IncrementHeader | undefined
}

const MAGIC = 0xd3ae1f0d
const WORD = 4
/** Magic, number of blocks, truncation length in blocks. */
const FIXED = 3 * WORD

/**
 * Reads the header of a member of `size` bytes, in the byte order of this machine, which is that of the set's. Fault 'store_corrupt'
 * naming the member when it is none, or has another size than its header says.
 */
export function createIncrementReader(name: string, size: number, blockSize: number): IncrementReader {
  const wrong = (what: string) => new Fault('store_corrupt', `read the set: member ${JSON.stringify(name)} ${what}`)
  if (size < FIXED) throw wrong('is too short for an increment')
  const gathered: Uint8Array[] = []
  let wanted = FIXED
  let have = 0
  let header: IncrementHeader | undefined

  const parse = (): void => {
    const bytes = Buffer.concat(gathered)
    const word = endianness() === 'LE' ? (at: number) => bytes.readUInt32LE(at) : (at: number) => bytes.readUInt32BE(at)
    if (word(0) !== MAGIC) throw wrong('is no increment')
    const count = word(WORD)
    const headerSize = sizeOfHeader(count, blockSize)
    if (headerSize + count * blockSize !== size) throw wrong(`has ${size} bytes, which are not ${count} blocks`)
    wanted = headerSize
    if (have < wanted) return
    const blocks = Array.from({ length: count }, (_, at) => word(FIXED + at * WORD))
    const keep = word(2 * WORD) * blockSize
    const length = blocks.reduce((most, block) => Math.max(most, (block + 1) * blockSize), keep)
    header = { keep, length, positions: blocks.map((block) => block * blockSize) }
  }

  return {
    get header() {
      return header
    },
    take(chunk) {
      let used = 0
      while (header === undefined && used < chunk.length) {
        const piece = chunk.subarray(used, used + wanted - have)
        // A copy: the chunk is given back before the header is whole.
        gathered.push(Uint8Array.from(piece))
        used += piece.length
        have += piece.length
        if (have === wanted) parse()
      }
      return used
    },
  }
}

/** Up to a whole block when blocks follow, so that they lie where blocks lie. */
function sizeOfHeader(count: number, blockSize: number): number {
  const plain = FIXED + count * WORD
  return count === 0 ? plain : Math.ceil(plain / blockSize) * blockSize
}
