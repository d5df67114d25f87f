import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import type { Task } from '../../src/core/task.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { backupSet, instance } from '../contract/catalog/fixture.ts'
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

test('a client token and a revoked link are so for every process, also after a restart', async () => {
  const url = `sqlite:${join(directory, 'shared.db')}`
  const open = () => openCatalog({ url, sealer: sealerOf(1), clock: systemClock, log: silentLog })
  const [one, two] = [await open(), await open()]
  await one.addInstance(instance('pg-1'))
  await one.adoptSet(backupSet(1))
  const at = systemClock.now()
  const token = {
    action: 'A',
    token: 't',
    digest: 'd',
    at,
    expiresAt: at + 60_000,
    replyOf: (task: Task) => ({ Id: task.id }),
  }
  const add = (catalog: Catalog, nonce: string) =>
    catalog.addTask({ kind: 'expire', request: {} }, { keyId: 'HF1', nonce, expiresAt: at + 60_000, token })
  const done = await Promise.allSettled([add(one, '1'), add(two, '2'), add(one, '3'), add(two, '4')])
  assert.equal(done.filter(({ status }) => status === 'fulfilled').length, 1)
  await one.revokeLinks('pg-1', '1')
  assert.equal((await two.set('1'))?.linkRound, 1)
  await one.close()
  await two.close()
  const later = await open()
  const [task] = await later.tasks({})
  assert.deepEqual((await later.usedToken('HF1', 'A', 't', at))?.reply, { Id: task?.id })
  assert.equal((await later.set('1'))?.linkRound, 1)
  await later.close()
})
