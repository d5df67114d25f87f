import { createHash } from 'node:crypto'
import { Fault } from '../../core/fault.ts'
import { noteDropped } from '../../lib/collect.ts'
import type { Bytes } from '../../lib/streams.ts'
import { parseLsn } from './lag.ts'
import type { FileList } from './file-list.ts'

/** Whether the server's manifest lists a file: not itself, and not WAL, of which it gives ranges. */
export const isListed = (path: string): boolean => path !== 'backup_manifest' && !path.startsWith('pg_wal/')

/** A stretch of WAL that recovery reads to become consistent. */
export interface WalRange {
  readonly timeline: number
  readonly start: bigint
  readonly end: bigint
}

/**
 * Holds the files that were seen against the server's own backup_manifest, read as a stream: every one it lists is there
 * with its length and checksum, and there is no other. Gives the WAL that the backup needs. Fault 'store_corrupt' naming the
 * first file that is not as listed, or the manifest when that is damaged.
 */
export async function checkAgainstManifest(list: FileList, manifest: Bytes): Promise<WalRange[]> {
  const ranges: WalRange[] = []
  for await (const line of readLines(manifest)) {
    const entry = parseLine(line)
    if (entry?.kind === 'file') checkFile(list, entry)
    if (entry?.kind === 'wal') ranges.push(entry)
  }
  if (list.unseen() > 0) {
    throw new Fault(
      'store_corrupt',
      `check the set: it holds ${list.unseen()} files that its backup_manifest does not list`,
    )
  }
  if (ranges.length === 0) throw new Fault('store_corrupt', 'check the set: its backup_manifest names no WAL')
  return ranges
}

/** Names of the segments that a range of WAL lies in, oldest first. */
export function segmentsOf({ timeline, start, end }: WalRange, segmentSize: number): string[] {
  const size = BigInt(segmentSize)
  const names: string[] = []
  for (let segment = start / size; segment * size < end; segment += 1n) names.push(segmentName(timeline, segment, size))
  return names
}

export interface ListedFile {
  readonly kind: 'file'
  /** A byte string. */
  readonly path: string
  readonly size: number
  readonly algorithm: string
  readonly checksum: string
}

function checkFile(list: FileList, { path, size, algorithm, checksum }: ListedFile): void {
  if (!isListed(path)) return
  const wrong = (what: string) => new Fault('store_corrupt', `check the set: ${path} ${what}`)
  const found = list.look(path)
  if (!found) throw wrong('is missing')
  if (found.size !== size) throw wrong(`has ${found.size} bytes instead of ${size}`)
  if (algorithm !== 'CRC32C' || !/^[0-9a-f]{8}$/.test(checksum)) throw wrong('is listed without its CRC-32C')
  if (found.crc !== crcIn(checksum)) throw wrong('has another checksum than the server gave')
}

/** The server writes the four bytes of a CRC-32C lowest first. */
const crcIn = (checksum: string): number => Buffer.from(checksum, 'hex').readUInt32LE()

/** Name of a WAL segment: timeline, then its number split at 4 GiB of log, eight hexadecimal digits each. */
export function segmentName(timeline: number, segment: bigint, segmentSize: bigint): string {
  const perId = 0x1_0000_0000n / segmentSize
  return [BigInt(timeline), segment / perId, segment % perId]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('')
}

/** Name of the file that tells where a timeline branched off. */
export const historyName = (timeline: number): string =>
  `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`

/** PostgreSQL writes one file or range a line, which spares us a JSON parser that streams. */
export function parseLine(line: string): ListedFile | (WalRange & { readonly kind: 'wal' }) | undefined {
  const isEntry = /^\{ "(Path|Encoded-Path|Timeline)"/.test(line)
  if (!isEntry) return undefined
  const entry = parseEntry(line)
  if (typeof entry['Timeline'] === 'number') {
    const [start, end] = [parseLsn(word(entry['Start-LSN'])), parseLsn(word(entry['End-LSN']))]
    return { kind: 'wal', timeline: entry['Timeline'], start, end }
  }
  return {
    kind: 'file',
    path: pathIn(entry),
    size: Number(entry['Size']),
    algorithm: word(entry['Checksum-Algorithm']),
    checksum: word(entry['Checksum']),
  }
}

function parseEntry(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line.replace(/,?\s*$/, '')) as Record<string, unknown>
  } catch (cause) {
    throw new Fault('store_corrupt', 'check the set: its backup_manifest is damaged', { cause })
  }
}

/** A path that is no UTF-8 comes as hexadecimal digits. */
const pathIn = (entry: Record<string, unknown>): string =>
  typeof entry['Path'] === 'string'
    ? Buffer.from(entry['Path']).toString('latin1')
    : Buffer.from(word(entry['Encoded-Path']), 'hex').toString('latin1')

const word = (value: unknown): string => (typeof value === 'string' ? value : '')

/**
 * Bytes of the manifest that are made into lines at once. Each byte makes several of garbage, which a large piece would keep
 * alive until its last line is used.
 */
const PIECE = 64 * 1024

/** What a byte of the manifest comes to as lines, their entries and strings. */
const GARBAGE = 8

/** Lines of the manifest; its own checksum, which stands in its last line, is checked at the end. */
export async function* readLines(manifest: Bytes): AsyncGenerator<string> {
  const hash = createHash('sha256')
  const decoder = new TextDecoder()
  let rest = ''
  let sum: string | undefined
  for await (const piece of pieces(manifest)) {
    noteDropped(piece.length * GARBAGE)
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      sum ??= /^"Manifest-Checksum": "([0-9a-f]{64})"\}$/.exec(line)?.[1]
      if (sum === undefined) hash.update(`${line}\n`)
      yield line
    }
  }
  if (sum === undefined || hash.digest('hex') !== sum) {
    throw new Fault('store_corrupt', 'check the set: its backup_manifest is damaged')
  }
}

async function* pieces(bytes: Bytes): Bytes {
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; at += PIECE) yield chunk.subarray(at, at + PIECE)
  }
}
