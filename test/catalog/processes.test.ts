import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openCatalog } from '../../src/catalog/open.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { instance } from '../contract/catalog/fixture.ts'
import { sealerOf } from './sealer.ts'

const directory = await mkdtemp(join(tmpdir(), 'holdfast-processes-'))
after(() => rm(directory, { recursive: true }))

const WRITER = fileURLToPath(new URL('writer.ts', import.meta.url))

async function writer(url: string, name: string): Promise<{ claimed: string[]; ids: string[] }> {
  const child = spawn(process.execPath, [WRITER, url, name], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = await text(child.stdout)
  return JSON.parse(said) as { claimed: string[]; ids: string[] }
}

test('processes that write to one SQLite file at once lose nothing and do nothing twice', async () => {
  const url = `sqlite:${join(directory, 'catalog.db')}`
  const catalog = await openCatalog({ url, sealer: sealerOf(1), clock: systemClock, log: silentLog })
  await catalog.addInstance(instance('pg-1'))

  const done = await Promise.all(['a', 'b', 'c'].map((name) => writer(url, name)))

  const claimed = done.flatMap((each) => each.claimed)
  assert.equal(claimed.length, 180)
  assert.equal(new Set(claimed).size, 180)
  assert.equal(new Set([...done.flatMap(({ ids }) => ids), ...claimed]).size, 360)
  const { total, items } = await catalog.sets({ instanceId: 'pg-1', offset: 0, limit: 1000 })
  assert.equal(total, 180)
  assert.deepEqual(new Set(items.map(({ id }) => id)), new Set(claimed))
  assert.equal(await catalog.instanceVersion('pg-1'), 181)
  assert.deepEqual(await catalog.taskFigures(), [{ kind: 'expire', state: 'finished', count: 180 }])
  assert.deepEqual(await catalog.check(), [])
  await catalog.close()
})
