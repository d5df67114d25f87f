import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { systemClock } from '../../src/lib/clock.ts'
import { openStore } from '../../src/store/open.ts'
import { whole } from '../contract/store.ts'

const ROUNDS = 12
const CHILD = fileURLToPath(new URL('crash-put.ts', import.meta.url))

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-crash-'))
after(() => rm(scratch, { recursive: true, force: true }))

/** Runs the process that puts without end, and kills it `afterMs` after its first object. */
async function killWhilePutting(url: string, afterMs: number): Promise<void> {
  const child = spawn(process.execPath, [CHILD, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await wait(afterMs)
  child.kill('SIGKILL')
  await once(child, 'exit')
}

suite('a store on a file system whose writer is killed', () => {
  test('holds whole objects only, at whatever moment of a put it was; tidy clears the drafts away', async () => {
    const url = pathToFileURL(join(scratch, 'store')).href
    let drafts = 0
    for (let round = 0; round < ROUNDS; round++) {
      await killWhilePutting(url, (round * 37) % 23)
      const store = await openStore(url, systemClock)
      let objects = 0
      for await (const { key, size } of store.list('')) {
        if (key === 'holdfast-store.json') continue
        const data = await whole(await store.get(key))
        assert.equal(size, 3_000_000, key)
        assert.ok(data.equals(Buffer.alloc(3_000_000, data[0])), `${key} is of two versions`)
        objects++
        if (key.startsWith('new/')) await store.remove(key)
      }
      assert.ok(objects >= 2)
      drafts += (await readdir(join(scratch, 'store', '~drafts'))).length
      await store.tidy?.(Infinity)
      assert.deepEqual(await readdir(join(scratch, 'store', '~drafts')), [])
    }
    assert.ok(drafts > 0, 'no kill ever came while a draft was written: the test tested nothing')
  })
})
