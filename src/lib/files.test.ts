import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { syncDirectory, writeFileDurably } from './files.ts'

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-files-'))
after(() => rm(scratch, { recursive: true, force: true }))

suite('durable files', () => {
  test('writes a file with exactly the mode asked for', async () => {
    const path = join(scratch, 'secret')
    await writeFileDurably(path, 'text', 0o600)
    assert.equal(await readFile(path, 'utf8'), 'text')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    await writeFileDurably(path, Buffer.from('new'), 0o666)
    assert.equal(await readFile(path, 'utf8'), 'new')
    assert.equal((await stat(path)).mode & 0o777, 0o666)
  })

  test('a write that fails leaves the old file, and nothing beside it', async () => {
    const directory = await mkdtemp(join(scratch, 'd-'))
    await writeFile(join(directory, 'file'), 'old')
    const wrong = { length: 3 } as unknown as Uint8Array
    await assert.rejects(writeFileDurably(join(directory, 'file'), wrong))
    assert.deepEqual(await readdir(directory), ['file'])
    assert.equal(await readFile(join(directory, 'file'), 'utf8'), 'old')
  })

  test('syncs a directory, and says so when there is none', async () => {
    await syncDirectory(scratch)
    await assert.rejects(syncDirectory(join(scratch, 'none')), { code: 'ENOENT' })
  })
})
