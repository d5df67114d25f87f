import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startPostgres } from '../lib/postgres.ts'
import { temporaryDirectory } from '../lib/service.ts'
import { failedReason, registerServer, remains, served } from './served.ts'

// A file system of our own needs a mount namespace, which some containers refuse: there a limit on file size takes its place.
const mayMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0

/** Runs a program where the disk at `store` takes 2 MB, or no file may be larger. */
const smallDisk = (store: string): readonly string[] =>
  mayMount
    ? ['unshare', '-rm', '/bin/sh', '-c', 'mount -t tmpfs -o size=2m none "$0" && exec "$@"', store]
    : ['/bin/sh', '-c', 'ulimit -f 4000; exec "$@"', '']

test('a store that is full half way makes the set Failed with that reason; there is no garbage, and the service lives', async () => {
  await using postgres = await startPostgres({ version: 15 })
  await using directory = await temporaryDirectory()
  const store = join(directory.path, 'store')
  await mkdir(store)
  await using service = await served({ directory: directory.path, runner: smallDisk(store) })
  await registerServer(service, 'pg-1', postgres.address, directory.path)
  const taken = await service.run('backups', 'take', 'pg-1')
  assert.equal(taken.code, 13)
  assert.match(taken.err, /no space left|too large/i)
  assert.match(await failedReason(service, 'pg-1'), /no space left|too large/i)
  const seen = mayMount ? join('/proc', String(service.serve.pid), 'root', store) : store
  assert.deepEqual(await remains(seen), [])
  await service.assertLives()
  assert.ok(service.serve.log().some(({ msg }) => msg === 'task failed, will be tried again'))

  if (!mayMount) return
  const enter = ['-t', String(service.serve.pid), '-U', '--preserve-credentials', '-m']
  const grown = spawnSync('nsenter', [...enter, 'mount', '-o', 'remount,size=200m', 'none', store], {
    encoding: 'utf8',
  })
  assert.equal(grown.status, 0, grown.stderr)
  const retaken = await service.run('backups', 'take', 'pg-1')
  assert.equal(retaken.code, 0, retaken.err)
  const kinds = (await service.list('pg-1')).map(({ BackupStatus }) => BackupStatus)
  assert.deepEqual(kinds, ['Success', 'Failed'])
})
