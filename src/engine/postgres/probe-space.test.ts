import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { spaceProblem, walSpaceProblem } from './probe-space.ts'

suite('room for the WAL of a backup', () => {
  test('is short below 1 GiB, and below a twentieth of the databases', () => {
    assert.deepEqual(spaceProblem('/d/pg_wal', 2 ** 30, 2 ** 30), [])
    assert.match(spaceProblem('/d/pg_wal', 2 ** 30 - 1, 0)[0]?.what ?? '', /only 1023 MB are free for \/d\/pg_wal/)
    assert.equal(spaceProblem('/d/pg_wal', 2 ** 34, 2 ** 40)[0]?.severity, 'warning')
  })

  test('is judged only where the directory is seen to be that of this very server', async (context) => {
    const data = await mkdtemp(join(tmpdir(), 'holdfast-space-'))
    context.after(() => rm(data, { recursive: true }))
    await mkdir(join(data, 'pg_wal'))
    const address = { host: '127.0.0.1', port: 5432, user: 'u', sslMode: 'disable' } as const
    // Of so large a server, no disk has a twentieth free.
    const problems = (change: object, data_directory: string | null = data) =>
      walSpaceProblem({ ...address, ...change }, { data_directory }, Number.MAX_SAFE_INTEGER)
    assert.deepEqual(await problems({}), [])
    await writeFile(join(data, 'postmaster.pid'), `1\n${data}\n1700000000\n5432\n`)
    assert.equal((await problems({})).length, 1)
    assert.equal((await problems({ host: '/run/postgresql' })).length, 1)
    assert.deepEqual(await problems({ port: 5433 }), [])
    assert.deepEqual(await problems({ host: 'db.example.com' }), [])
    assert.deepEqual(await problems({}, null), [])
  })
})
