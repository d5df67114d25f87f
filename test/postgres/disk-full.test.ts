import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '../lib/postgres.ts'
import { takeMembers, tarOf } from './base-backup-set.ts'

const CHILD = fileURLToPath(new URL('disk-full.ts', import.meta.url))

interface Said {
  readonly code: string
  readonly message: string
  readonly wrote: boolean
  readonly marked: boolean
  readonly startable: boolean
}

suite('restore onto a disk that is full', () => {
  let directory: string
  let tarFile: string
  let size: number

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-full-'))
    tarFile = join(directory, 'set.tar')
    await using server = await startPostgres({ version: 15 })
    await server.query('create table big as select md5(g::text) from generate_series(1, 800000) g')
    const tar = tarOf(await takeMembers(server))
    size = tar.length
    await writeFile(tarFile, tar)
  })
  after(() => rm(directory, { recursive: true, force: true }))

  /** What a restore says that runs where `setUp`, a line of shell, has made the disk at $3 too small for it. */
  function restoreWhere(setUp: string, plainSize: number, command: readonly string[] = []): Said {
    const script = `set -e; mkdir -p "$3"; ${setUp}; exec "$0" "$1" "$2" "$3/target" "$4"`
    const own = ['/bin/sh', '-c', script, process.execPath, CHILD, tarFile, join(directory, 'disk'), String(plainSize)]
    const [program = '', ...args] = [...command, ...own]
    const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    return JSON.parse(stdout) as Said
  }

  // A file system of our own needs a mount namespace, which some containers refuse: there a limit on file size takes its place.
  const mayMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', tmpdir()]).status === 0

  test('is refused before anything is written when the room is known to be short', () => {
    const said = mayMount
      ? restoreWhere('mount -t tmpfs -o size=40m none "$3"', size, ['unshare', '-rm'])
      : restoreWhere('true', 2 ** 52)
    assert.match(said.message, /bytes are free there, \d+ are needed$/)
    assert.deepEqual(
      { ...said, message: '' },
      { code: 'target_full', message: '', wrote: false, marked: false, startable: false },
    )
  })

  test('fails with the reason when space runs out half way, and leaves nothing that starts', () => {
    assert.ok(size > 70 * 2 ** 20)
    const said = mayMount
      ? restoreWhere('mount -t tmpfs -o size=67m none "$3"', 1, ['unshare', '-rm'])
      : restoreWhere('ulimit -f 20000', 1)
    assert.match(said.message, /^write .*: no space left$/)
    assert.deepEqual(
      { ...said, message: '' },
      { code: 'target_full', message: '', wrote: true, marked: true, startable: false },
    )
  })
})
