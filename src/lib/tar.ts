/** Bytes of a tar header, and the size that every member's content is padded to. */
export const TAR_BLOCK = 512

/** Two zero blocks: what ends a tar. */
export const TAR_END: Buffer = Buffer.alloc(2 * TAR_BLOCK)

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink'

/**
 * One member of a tar.
 *
 * `name` and `linkName` are byte strings, one character per byte (latin1), so that a file name in any encoding survives
 * unchanged; for ASCII they are what they look like. A directory's name has no slash at its end.
 */
export interface TarEntry {
  readonly name: string
  readonly type: TarEntryType
  /** Bytes of content that follow the header; 0 for all but files. */
  readonly size: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Unix seconds. */
  readonly mtime: number
  /** Where a symbolic or hard link points; empty for others. */
  readonly linkName: string
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
}
const FLAGS: Readonly<Record<TarEntryType, string>> = { file: '0', hardlink: '1', symlink: '2', directory: '5' }
const MAGIC = 'ustar\x0000'
const SPACE = 0x20

/** How many zero bytes follow `size` bytes of content, up to the next block. */
export const tarPadding = (size: number): number => (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK

/**
 * The member that a 512-byte header describes; undefined for a block of zeros, two of which end a tar.
 *
 * Throws RangeError when the checksum is wrong, a number is malformed or above 2^53, or the type is not a plain one (pax
 * and GNU extension headers are not read).
 */
export function parseTarHeader(block: Uint8Array): TarEntry | undefined {
  const header = Buffer.from(block.buffer, block.byteOffset, block.byteLength)
  if (header.length !== TAR_BLOCK) throw new RangeError(`a tar header of ${header.length} bytes`)
  const sum = checksum(header)
  if (sum === 8 * SPACE && header.every((byte) => byte === 0)) return undefined
  if (readNumber(header, 148, 8) !== sum) throw new RangeError('a tar header with a wrong checksum')
  const flag = header.toString('latin1', 156, 157)
  const type = TYPES[flag]
  if (type === undefined) throw new RangeError(`a tar member of type ${JSON.stringify(flag)}`)
  const name = readName(header)
  return {
    name: withoutSlash(name),
    type: type === 'file' && name.endsWith('/') ? 'directory' : type,
    size: type === 'file' ? readNumber(header, 124, 12) : 0,
    mode: readNumber(header, 100, 8) & 0o7777,
    uid: readNumber(header, 108, 8),
    gid: readNumber(header, 116, 8),
    mtime: readNumber(header, 136, 12),
    linkName: readText(header, 157, 100),
  }
}

/**
 * The ustar header of `entry`: sizes of 8 GiB and more, and large owners, in base-256; names over 100 bytes split into
 * ustar's prefix field.
 *
 * Throws RangeError when a name does not fit (over 255 bytes, or without a slash at a fitting place), holds a character
 * above 255 or a zero byte, or a number is negative, fractional or above 2^53.
 */
export function formatTarHeader(entry: TarEntry): Buffer {
  // Out of the pool: a header of a million files has no memory block of its own.
  const header = Buffer.allocUnsafe(TAR_BLOCK).fill(0)
  const { prefix, name } = splitName(entry.type === 'directory' ? `${entry.name}/` : entry.name)
  writeText(header, name, 0, 100)
  writeNumber(header, entry.mode, 100, 8)
  writeNumber(header, entry.uid, 108, 8)
  writeNumber(header, entry.gid, 116, 8)
  writeNumber(header, entry.type === 'file' ? entry.size : 0, 124, 12)
  writeNumber(header, entry.mtime, 136, 12)
  header.write(FLAGS[entry.type], 156, 'latin1')
  writeText(header, entry.linkName, 157, 100)
  header.write(MAGIC, 257, 'latin1')
  writeText(header, prefix, 345, 155)
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** Sum of all bytes, those of the checksum field itself taken as blanks. */
function checksum(header: Buffer): number {
  let sum = 8 * SPACE
  for (let i = 0; i < 148; i += 1) sum += header[i] ?? 0
  for (let i = 156; i < TAR_BLOCK; i += 1) sum += header[i] ?? 0
  return sum
}

/** Only POSIX ustar has a prefix; GNU keeps other things at its place. */
function readName(header: Buffer): string {
  const name = readText(header, 0, 100)
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? readText(header, 345, 155) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

const withoutSlash = (name: string): string => (name.length > 1 && name.endsWith('/') ? name.slice(0, -1) : name)

function readText(header: Buffer, at: number, length: number): string {
  const end = header.indexOf(0, at)
  return header.toString('latin1', at, end === -1 || end > at + length ? at + length : end)
}

function readNumber(header: Buffer, at: number, length: number): number {
  const value = (header[at] ?? 0) & 0x80 ? readBase256(header, at, length) : readOctal(header, at, length)
  if (!Number.isSafeInteger(value)) throw new RangeError('a tar header with a malformed number')
  return value
}

function readOctal(header: Buffer, at: number, length: number): number {
  const text = readText(header, at, length).trim()
  if (text === '') return 0
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

function readBase256(header: Buffer, at: number, length: number): number {
  let value = (header[at] ?? 0) & 0x7f
  for (let i = at + 1; i < at + length; i += 1) value = value * 256 + (header[i] ?? 0)
  return value
}

function splitName(path: string): { prefix: string; name: string } {
  if (path.length <= 100) return { prefix: '', name: path }
  // The name may keep a slash at its very end, so the split is looked for before it.
  const cut = path.indexOf('/', path.length - 101)
  if (cut === -1 || cut === path.length - 1 || cut > 155) throw new RangeError(`a name too long for a tar: ${path}`)
  return { prefix: path.slice(0, cut), name: path.slice(cut + 1) }
}

function writeText(header: Buffer, text: string, at: number, length: number): void {
  if (text.length > length) throw new RangeError(`a name too long for a tar: ${text}`)
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code === 0 || code > 0xff) throw new RangeError(`a name that is no byte string: ${JSON.stringify(text)}`)
    header[at + i] = code
  }
}

function writeNumber(header: Buffer, value: number, at: number, length: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`a number that no tar holds: ${value}`)
  if (value < 8 ** (length - 1)) {
    header.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1')
    return
  }
  let rest = value
  for (let i = at + length - 1; i > at; i -= 1) {
    header[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  // In the 8-byte fields 2^53 fits into the seven bytes below the flag.
  header[at] = 0x80
}
