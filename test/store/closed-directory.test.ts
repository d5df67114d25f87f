import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('closed-directory.ts', import.meta.url))

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-closed-'))
after(() => rm(scratch, { recursive: true, force: true }))

suite('a store whose directory is closed to us', () => {
  test('says store_unavailable with a hint, never that an object is missing, and still reads what is open', async () => {
    await chmod(scratch, 0o755)
    const { stdout, stderr } = spawnSync(process.execPath, [CHILD, join(scratch, 'store')], { encoding: 'utf8' })
    for (const name of ['closed', 'open', '~drafts', '']) await chmod(join(scratch, 'store', name), 0o700)
    assert.equal(stderr, '')
    const { reading, refused } = JSON.parse(stdout) as { reading: string; refused: object }
    assert.equal(reading, 'x')
    const hint = 'Let the user that runs Holdfast read and write the directory of the store and all in it.'
    for (const [call, outcome] of Object.entries(refused)) {
      assert.deepEqual(outcome, { code: 'store_unavailable', hint }, call)
    }
  })
})
