import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { openDownload } from '../../src/set/download.ts'
import { whole } from '../contract/store.ts'
import { emptyStore, sampleBytes, writeSet } from '../lib/set.ts'

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-by-hand-'))
after(() => rm(scratch, { recursive: true, force: true }))

const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { cwd: scratch, maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'pipe'] })

/** The download of a set of these parts, as a file. */
async function download(parts: Record<string, Uint8Array>, file: string): Promise<void> {
  const store = emptyStore()
  const { manifest } = await writeSet(store, parts, { method: Object.keys(parts).length > 1 ? 'Logical' : 'Physical' })
  await writeFile(join(scratch, file), await whole(await (await openDownload(store, manifest)).read()))
}

suite('what the zstd and tar commands make of our bytes', () => {
  for (const [size, what] of [
    [0, 'no byte'],
    [1, 'one byte'],
    [1_048_576, 'exactly one frame'],
    [9_999_999, 'many frames'],
  ] as const) {
    test(`a part of ${what} passes zstd -t, and zstd -d gives it back`, async () => {
      const data = sampleBytes(size)
      await download({ data }, 'set.tar.zst')
      run('zstd', '-tq', 'set.tar.zst')
      assert.ok(run('zstd', '-dc', 'set.tar.zst').equals(data))
    })
  }

  test('zstd -t finds one flipped bit in a frame', async () => {
    await download({ data: sampleBytes(100_000) }, 'bad.tar.zst')
    const bytes = await readFile(join(scratch, 'bad.tar.zst'))
    bytes[10_000] = (bytes[10_000] ?? 0) ^ 1
    await writeFile(join(scratch, 'bad.tar.zst'), bytes)
    assert.throws(() => run('zstd', '-tq', 'bad.tar.zst'))
  })

  test('tar unpacks the download of several parts into one directory', async () => {
    const parts = { 'db-orders': sampleBytes(70_000), roles: Buffer.from('create role x;\n') }
    await download(parts, 'set.tar')
    run('tar', '-xf', 'set.tar')
    for (const [name, data] of Object.entries(parts)) {
      assert.ok(run('zstd', '-dc', `pg-orders_20260102030405_12/${name}.tar.zst`).equals(data))
    }
  })
})
