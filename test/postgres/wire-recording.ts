import { createHash } from 'node:crypto'
import { crc32c } from '../../src/lib/crc32c.ts'
import { formatTarHeader, TAR_END, tarPadding } from '../../src/lib/tar.ts'

/** One member of a server's tar. A directory has no content. */
export interface ServerMember {
  readonly name: string
  readonly content?: Buffer
}

/** What a server answers to BASE_BACKUP. */
export interface Recorded {
  /** By tablespace; the main data directory is `base`, and comes last. */
  readonly tars: ReadonlyMap<string, readonly ServerMember[]>
  readonly manifest: string
  readonly timeline: number
  /** Announced kilobytes a tablespace; null when no progress was asked for. */
  readonly kilobytes: string | null
}

export const SEGMENT_SIZE = 512
export const WAL = '00000001000000000000000A'
const START = '0/1400'
const END = '0/1570'

const text = (length: number, seed: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 7 + seed) % 251))

/** Tars of a small cluster with one tablespace. */
export const smallTars = (): Map<string, ServerMember[]> =>
  new Map([
    ['16384', [{ name: 'PG_15_202209061/5' }, { name: 'PG_15_202209061/5/16390', content: text(513, 1) }]],
    [
      'base',
      [
        { name: 'backup_label', content: Buffer.from('START WAL LOCATION: 0/1400\n') },
        { name: 'tablespace_map', content: Buffer.from('16384 /somewhere/else\n') },
        { name: 'base/5' },
        { name: 'base/5/16385', content: text(1500, 2) },
        { name: 'base/5/16386', content: Buffer.alloc(0) },
        { name: 'global/pg_control', content: text(512, 4) },
        { name: `pg_wal/${WAL}`, content: text(SEGMENT_SIZE, 5) },
      ],
    ],
  ])

/** The manifest of these tars, as a server writes it. */
export function manifestOf(tars: ReadonlyMap<string, readonly ServerMember[]>, algorithm = 'CRC32C'): string {
  const files = [...tars].flatMap(([oid, members]) =>
    members.flatMap(({ name, content }) => {
      if (content === undefined || name.startsWith('pg_wal/')) return []
      const path = oid === 'base' ? name : `pg_tblspc/${oid}/${name}`
      const sum = Buffer.alloc(4)
      sum.writeUInt32LE(crc32c(content))
      return `{ "Path": "${path}", "Size": ${content.length}, "Last-Modified": "2026-11-23 07:00:00 GMT", "Checksum-Algorithm": "${algorithm}", "Checksum": "${sum.toString('hex')}" }`
    }),
  )
  const ranges = `{ "Timeline": 1, "Start-LSN": "${START}", "End-LSN": "${END}" }`
  return sealed(
    `{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [\n${files.join(',\n')}\n],\n"WAL-Ranges": [\n${ranges}\n],\n`,
  )
}

/** A manifest's text with the checksum of all before it. */
export const sealed = (head: string): string =>
  `${head}"Manifest-Checksum": "${createHash('sha256').update(head).digest('hex')}"}\n`

export function small(change: Partial<Recorded> = {}): Recorded {
  const tars = change.tars ?? smallTars()
  return { tars, manifest: manifestOf(tars), timeline: 1, kilobytes: '12', ...change }
}

const message = (type: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const cstring = (value: string): Buffer => Buffer.from(`${value}\0`)

const int = (value: number, size: 2 | 4): Buffer => {
  const out = Buffer.alloc(size)
  out.writeIntBE(value, 0, size)
  return out
}

const row = (...values: readonly (string | null)[]): Buffer =>
  message(
    'D',
    int(values.length, 2),
    ...values.map((value) =>
      value === null ? int(-1, 4) : Buffer.concat([int(Buffer.byteLength(value), 4), Buffer.from(value)]),
    ),
  )

const columns = (...names: readonly string[]): Buffer =>
  message('T', int(names.length, 2), ...names.map((name) => Buffer.concat([cstring(name), Buffer.alloc(18)])))

const result = (names: readonly string[], ...rows: readonly Buffer[]): Buffer =>
  Buffer.concat([columns(...names), ...rows, message('C', cstring('SELECT'))])

/** A WARNING or ERROR of the server. */
export const report = (severity: 'WARNING' | 'NOTICE' | 'ERROR', state: string, words: string, hint?: string): Buffer =>
  message(
    severity === 'ERROR' ? 'E' : 'N',
    ...[`S${severity}`, `V${severity}`, `C${state}`, `M${words}`, ...(hint === undefined ? [] : [`H${hint}`])].map(
      cstring,
    ),
    Buffer.alloc(1),
  )

const READY = message('Z', Buffer.from('I'))
const COPY_BEGIN = message('H', Buffer.from([0, 0, 0]))
const COPY_END = message('c')

function tarBytes(members: readonly ServerMember[]): Buffer {
  const blocks = members.flatMap(({ name, content }) => {
    const type = content === undefined ? 'directory' : 'file'
    const size = content?.length ?? 0
    const header = formatTarHeader({ name, type, size, mode: 0o600, uid: 26, gid: 26, mtime: 0, linkName: '' })
    return [header, content ?? Buffer.alloc(0), Buffer.alloc(tarPadding(size))]
  })
  return Buffer.concat(blocks)
}

/** CopyData messages of these bytes, cut as a server does with its buffer. */
function copies(bytes: Buffer, typed: boolean, size = 1000): Buffer[] {
  const out: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    out.push(message('d', Buffer.from(typed ? 'd' : ''), bytes.subarray(at, at + size)))
  }
  return out
}

/** The messages of an answer, one Buffer each or a few: of 15 and newer, or the older form. */
export function answer({ tars, manifest, timeline, kilobytes }: Recorded, form: 14 | 15): Buffer[] {
  const announced = [...tars.keys()].map((oid) =>
    oid === 'base' ? row(null, null, kilobytes) : row(oid, '/somewhere/else', kilobytes),
  )
  return [
    message('S', cstring('in_hot_standby'), cstring('off')),
    result(['recptr', 'tli'], row(START, String(timeline))),
    result(['spcoid', 'spclocation', 'size'], ...announced),
    ...(form === 15 ? typedStream(tars, manifest) : rawStreams(tars, manifest)),
    result(['recptr', 'tli'], row(END, String(timeline))),
    message('C', cstring('BASE_BACKUP')),
    READY,
  ]
}

function typedStream(tars: Recorded['tars'], manifest: string): Buffer[] {
  const archives = [...tars].flatMap(([oid, members]) => [
    message('d', Buffer.from('n'), cstring(`${oid}.tar`), cstring(oid === 'base' ? '' : '/somewhere/else')),
    // Since 15 the server ends each tar itself.
    ...copies(Buffer.concat([tarBytes(members), TAR_END]), true),
    message('d', Buffer.from('p'), Buffer.alloc(8)),
  ])
  return [COPY_BEGIN, ...archives, message('d', Buffer.from('m')), ...copies(Buffer.from(manifest), true), COPY_END]
}

/** Before 15 the two blocks that end a tar are left to the client. */
const rawStreams = (tars: Recorded['tars'], manifest: string): Buffer[] =>
  [...[...tars.values()].map(tarBytes), Buffer.from(manifest)].flatMap((bytes) => [
    COPY_BEGIN,
    ...copies(bytes, false),
    COPY_END,
  ])
