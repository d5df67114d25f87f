import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('full-disk.ts', import.meta.url))

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-full-'))
after(() => rm(scratch, { recursive: true, force: true }))

/** What a process says that runs where `setUp`, a line of shell, has made the disk at $2 too small for it. */
function runWhere(setUp: string, command: readonly string[] = []): unknown {
  const script = `set -e; mkdir -p "$2"; ${setUp}; exec "$0" "$1" "$2"`
  const [program, ...args] = [...command, '/bin/sh', '-c', script, process.execPath, CHILD, join(scratch, 'store')]
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

const expected = (cause: string) => ({
  fault: { code: 'store_full', hint: true },
  cause,
  kept: 'the old one',
  drafts: 0,
})

// A file system of our own needs a mount namespace, which some containers refuse: there a limit on file size takes its place.
const mayMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', scratch]).status === 0

suite('a store whose disk is full', () => {
  test('says store_full with a hint, keeps the old object whole, and leaves no draft', () => {
    if (mayMount) {
      const said = runWhere('mount -t tmpfs -o size=2m none "$2"', ['unshare', '-rm'])
      assert.deepEqual(said, expected('ENOSPC'))
    }
    assert.deepEqual(runWhere('ulimit -f 2000'), expected('EFBIG'))
  })
})
