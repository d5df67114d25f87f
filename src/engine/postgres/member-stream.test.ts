import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../../core/fault.ts'
import { formatTarHeader, parseTarHeader, TAR_BLOCK, type TarEntry } from '../../lib/tar.ts'
import { createFileList } from './file-list.ts'
import { createMemberStream, type Seen } from './member-stream.ts'

const entry = (change: Partial<TarEntry>): TarEntry => ({
  name: 'base/5/1',
  type: 'file',
  size: 0,
  mode: 0o600,
  uid: 26,
  gid: 26,
  mtime: 1_700_000_000,
  linkName: '',
  ...change,
})

const nothingSeen = (): Seen => ({ files: createFileList(), segments: new Map(), bytes: 0 })

const headersOf = (pieces: readonly Uint8Array[]) =>
  pieces.filter(({ length }) => length === TAR_BLOCK).map((block) => parseTarHeader(block))

suite('members of a server’s tar', () => {
  test('keep all but the name, also as links and directories', () => {
    const sent = [
      entry({ name: 'pg_stat', type: 'directory', mode: 0o700 }),
      entry({ name: 'pg_tblspc/16384', type: 'symlink', linkName: '/some where/else', mode: 0o777 }),
      entry({ name: 'empty' }),
    ]
    const out = createMemberStream(undefined, nothingSeen()).feed(Buffer.concat(sent.map(formatTarHeader)))
    assert.deepEqual(
      headersOf(out),
      sent.map((one) => ({ ...one, name: `data/${one.name}` })),
    )
  })

  test('of the longest name that a server sends fit below their place', () => {
    const name = `${'d'.repeat(49)}/${'f'.repeat(49)}`
    const out = createMemberStream('4294967295', nothingSeen()).feed(formatTarHeader(entry({ name })))
    assert.equal(headersOf(out)[0]?.name, `tablespaces/4294967295/${name}`)
  })

  test('over 8 GiB have their size in both headers, and must come whole', () => {
    const size = 9 * 1024 ** 3 + 1
    const stream = createMemberStream(undefined, nothingSeen())
    const out = stream.feed(formatTarHeader(entry({ size })))
    assert.equal(headersOf(out)[0]?.size, size)
    stream.feed(Buffer.alloc(1_000_000))
    assert.throws(() => stream.end(), /ends in the middle of a member/)
  })

  test('are passed on without a copy of their content', () => {
    const stream = createMemberStream(undefined, nothingSeen())
    stream.feed(formatTarHeader(entry({ size: 1024 })))
    const chunk = Buffer.alloc(1024, 7)
    const [piece] = stream.feed(chunk)
    assert.equal(piece?.buffer, chunk.buffer)
    assert.equal(piece?.byteOffset, chunk.byteOffset)
  })

  test('of a tablespace are listed as the server lists them, WAL apart', () => {
    const seen = nothingSeen()
    const stream = createMemberStream('16384', seen)
    stream.feed(formatTarHeader(entry({ name: 'PG_15_1/5/1', size: 3 })))
    stream.feed(Buffer.concat([Buffer.from('abc'), Buffer.alloc(509)]))
    stream.end()
    assert.deepEqual(seen.files.look('pg_tblspc/16384/PG_15_1/5/1'), { size: 3, crc: 0x364b3fb7 })
    createMemberStream(undefined, seen).feed(formatTarHeader(entry({ name: 'pg_wal/archive_status/x.done' })))
    assert.deepEqual([...seen.segments], [['archive_status/x.done', 0]])
    assert.equal(seen.files.unseen(), 0)
  })

  test('what follows the end of an archive is dropped, and what is no tar is refused', () => {
    const stream = createMemberStream(undefined, nothingSeen())
    assert.deepEqual(stream.feed(Buffer.alloc(4096)), [])
    stream.end()
    const other = createMemberStream(undefined, nothingSeen())
    assert.throws(
      () => other.feed(Buffer.alloc(512, 1)),
      (e) => Fault.is(e, 'engine_failed'),
    )
    const cut = createMemberStream(undefined, nothingSeen())
    cut.feed(formatTarHeader(entry({})).subarray(0, 511))
    assert.throws(() => cut.end(), /ends in the middle/)
  })
})
