import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../core/fault.ts'
import { crc32c } from '../../lib/crc32c.ts'
import type { Bytes } from '../../lib/streams.ts'
import { formatTarHeader, TAR_END, tarPadding, type TarEntryType } from '../../lib/tar.ts'
import { extract, HELD_SUFFIX } from './extract.ts'

interface Given {
  readonly name: string
  readonly type?: TarEntryType
  readonly content?: Buffer
  readonly linkName?: string
}

function tarOf(...members: Given[]): Buffer {
  const blocks = members.flatMap(({ name, type = 'file', content = Buffer.alloc(0), linkName = '' }) => [
    formatTarHeader({ name, type, size: content.length, mode: 0o777, uid: 9, gid: 9, mtime: 0, linkName }),
    content,
    Buffer.alloc(tarPadding(content.length)),
  ])
  return Buffer.concat([...blocks, TAR_END])
}

/** Copies, since the chunks of a tar are released by whoever extracts it. */
async function* inPieces(tar: Buffer, ...cuts: number[]): Bytes {
  const at = [0, ...cuts.toSorted((a, b) => a - b), tar.length]
  for (let i = 1; i < at.length; i += 1) yield Buffer.copyBytesFrom(tar, at[i - 1], (at[i] ?? 0) - (at[i - 1] ?? 0))
}

async function place(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-extract-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

async function extractInto(directory: string, tar: Bytes, directoryMode: 0o700 | 0o750 = 0o700) {
  const files: [string, number, number][] = []
  const onFile = (...file: [string, number, number]) => files.push(file)
  const done = await extract(tar, { directory, directoryMode, owner: undefined }, { onFile, durable: true })
  return { ...done, listed: files }
}

/** Files of ours that are open below a directory. */
const openBelow = (directory: string): string[] =>
  readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    })
    .filter((path) => path.startsWith(directory))

const a = { name: 'data/base/1/a', content: Buffer.from('A'.repeat(700)) }

suite('extraction of a set', () => {
  test("writes files and directories and tells length and checksum of each by the server's path", async (context) => {
    const directory = await place(context)
    const big = { name: 'tablespaces/16401/PG_15_1/5/7', content: Buffer.alloc(300_000, 'b') }
    const empty = { name: 'data/pg_wal', type: 'directory' } as const
    const done = await extractInto(
      directory,
      inPieces(tarOf({ name: 'RESTORE.txt', content: Buffer.from('how') }, empty, a, big)),
    )
    assert.deepEqual(done, {
      files: 3,
      bytes: 300_703,
      listed: [
        ['base/1/a', 700, crc32c(a.content)],
        ['pg_tblspc/16401/PG_15_1/5/7', 300_000, crc32c(big.content)],
      ],
    })
    assert.deepEqual(await readFile(join(directory, big.name)), big.content)
    assert.deepEqual(await readdir(join(directory, 'data/pg_wal')), [])
  })

  test('is the same wherever the stream is cut', async (context) => {
    const directory = await place(context)
    const tar = tarOf(a, { name: 'data/b', content: Buffer.alloc(70_000, 'b') }, { name: 'data/c' })
    const cut = fc.integer({ min: 0, max: tar.length })
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { maxLength: 6 }), async (cuts) => {
        const { listed } = await extractInto(directory, inPieces(tar, ...cuts))
        assert.deepEqual(
          listed.map(([path, size]) => [path, size]),
          [
            ['base/1/a', 700],
            ['b', 70_000],
            ['c', 0],
          ],
        )
        assert.equal((await readFile(join(directory, 'data/b'))).compare(Buffer.alloc(70_000, 'b')), 0)
        await rm(join(directory, 'data'), { recursive: true })
      }),
      { numRuns: 40 },
    )
  })

  test('takes the mode of the source and none of the tar', async (context) => {
    const directory = await place(context)
    await extractInto(directory, inPieces(tarOf(a)), 0o750)
    assert.equal((await stat(join(directory, 'data/base'))).mode & 0o7777, 0o750)
    assert.equal((await stat(join(directory, a.name))).mode & 0o7777, 0o640)
    await rm(join(directory, 'data'), { recursive: true })
    await extractInto(directory, inPieces(tarOf(a)), 0o700)
    assert.equal((await stat(join(directory, 'data/base'))).mode & 0o7777, 0o700)
    assert.equal((await stat(join(directory, a.name))).mode & 0o7777, 0o600)
  })

  test('holds back what PostgreSQL needs to start', async (context) => {
    const directory = await place(context)
    const held = [{ name: 'data/PG_VERSION' }, { name: 'data/global/pg_control' }, { name: 'data/base/1/PG_VERSION' }]
    await extractInto(directory, inPieces(tarOf(...held)))
    assert.deepEqual((await readdir(join(directory, 'data'))).toSorted(), [
      `PG_VERSION${HELD_SUFFIX}`,
      'base',
      'global',
    ])
    assert.deepEqual(await readdir(join(directory, 'data/global')), [`pg_control${HELD_SUFFIX}`])
    assert.deepEqual(await readdir(join(directory, 'data/base/1')), ['PG_VERSION'])
  })

  test('drops the `.` that PostgreSQL writes into some paths', async (context) => {
    const directory = await place(context)
    await extractInto(directory, inPieces(tarOf({ name: 'data/./pg_wal/archive_status', type: 'directory' })))
    assert.deepEqual(await readdir(join(directory, 'data/pg_wal')), ['archive_status'])
  })

  test('a name that is no text keeps its bytes', async (context) => {
    const directory = await place(context)
    await extractInto(directory, inPieces(tarOf({ name: 'data/\xff\xfe' })))
    const names = await readdir(join(directory, 'data'), { encoding: 'buffer' })
    assert.deepEqual(names, [Buffer.from([0xff, 0xfe])])
  })

  const refused: Record<string, Given[]> = {
    'an absolute path': [{ name: '/etc/holdfast-test' }],
    'a path that climbs': [{ name: 'data/../../out' }],
    'a path that climbs at its end': [{ name: 'data/a/..', type: 'directory' }],
    'an empty part': [{ name: 'data//a' }],
    'a place of its own': [{ name: 'other/a' }],
    'a file where data must be': [{ name: 'data' }],
    'a tablespace that is no oid': [{ name: 'tablespaces/../x', type: 'directory' }, { name: 'tablespaces/x/a' }],
    'a file where a tablespace must be': [{ name: 'tablespaces/16401' }],
    'a symbolic link': [{ name: 'data/l', type: 'symlink', linkName: '/etc' }],
    'a hard link': [{ name: 'data/l', type: 'hardlink', linkName: 'data/a' }],
    'the same file twice': [a, a],
    'the same file by another spelling': [a, { name: 'data/./base/1/a' }],
    'the same directory twice': [
      { name: 'data/d', type: 'directory' },
      { name: 'data/d', type: 'directory' },
    ],
    'a file below a file': [a, { name: `${a.name}/b` }],
    'a directory where a file is': [a, { name: a.name, type: 'directory' }],
    'a held file under its other name': [{ name: 'data/PG_VERSION' }, { name: `data/PG_VERSION${HELD_SUFFIX}` }],
  }
  for (const [what, members] of Object.entries(refused)) {
    test(`refuses ${what}`, async (context) => {
      const directory = await place(context)
      await assert.rejects(extractInto(directory, inPieces(tarOf(...members))), (e) => Fault.is(e, 'store_corrupt'))
    })
  }

  test('never writes through a link that somebody put there', async (context) => {
    const directory = await place(context)
    const outside = await place(context)
    await symlink(outside, join(directory, 'data'))
    await assert.rejects(extractInto(directory, inPieces(tarOf(a))), (e) => Fault.is(e, 'store_corrupt'))
    assert.deepEqual(await readdir(outside), [])
  })

  test('refuses a tar that is cut short anywhere, or goes on behind its end', async (context) => {
    const tar = tarOf(a)
    for (const length of [0, 1, 511, 512, 600, 512 + 700, 512 + 1024, 512 + 1024 + 512, tar.length - 1]) {
      const directory = await place(context)
      const cut = extractInto(directory, inPieces(tar.subarray(0, length)))
      await assert.rejects(cut, (e) => Fault.is(e, 'store_corrupt'), `of ${length} bytes`)
    }
    const twice = Buffer.concat([tar, tar])
    await assert.rejects(extractInto(await place(context), inPieces(twice)), (e) => Fault.is(e, 'store_corrupt'))
  })

  test('a failing source ends it with the failure, and leaves nothing open', async (context) => {
    const directory = await place(context)
    const broken = (async function* () {
      yield tarOf({ name: 'data/b', content: Buffer.alloc(200_000) }).subarray(0, 100_000)
      throw new Fault('store_corrupt', 'frame 1 of data')
    })()
    await assert.rejects(extractInto(directory, broken), { message: 'frame 1 of data' })
    assert.deepEqual(openBelow(directory), [])
  })
})
