import assert from 'node:assert/strict'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { entombAttempt } from '../../src/set/attempts.ts'
import type { Store } from '../../src/store/store.ts'
import { auditEntry } from '../contract/catalog/audit.ts'
import { LEASE_MS, workerWorld, type WorkerWorld } from '../lib/worker-world.ts'

/** A world with one Success set in it. */
async function worldWithSet() {
  const world = await workerWorld()
  const asked = await world.askBackup()
  await world.doNext()
  return { world, setId: asked.setId ?? '' }
}

const ask = (world: WorkerWorld, kind: 'verify' | 'restore', setId: string, request: unknown = {}) =>
  world.catalog.addTask({ kind, instanceId: 'pgm-1', setId, request })

async function flipBit(store: Store, key: string): Promise<void> {
  const bytes = Buffer.concat(await Array.fromAsync(await store.get(key)))
  const at = bytes.length >> 1
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await store.put(
    key,
    (async function* () {
      yield bytes
    })(),
  )
}

test('a set whose bytes are right is noted as verified', async () => {
  const { world, setId } = await worldWithSet()
  await using _ = world
  await ask(world, 'verify', setId)
  assert.equal((await world.doNext())?.state, 'finished')
  assert.equal((await world.catalog.set(setId))?.verifiedAt, world.clock.now())
})

test('a flipped bit fails the check, names the part, and the set is not verified', async () => {
  const { world, setId } = await worldWithSet()
  await using _ = world
  await flipBit(world.store, (await world.keys()).find((key) => key.endsWith('data.tar.zst')) ?? '')
  await ask(world, 'verify', setId)
  const task = await world.doNext()
  assert.equal(task?.state, 'failed')
  assert.match(task?.reason ?? '', /part data/)
  assert.equal((await world.catalog.set(setId))?.verifiedAt, undefined)
})

test('a restore writes below a root what was backed up', async () => {
  const { world, setId } = await worldWithSet()
  await using _ = world
  await ask(world, 'restore', setId, { to: join(world.directory, 'back') })
  const task = await world.doNext()
  assert.ok(task?.state === 'finished')
  assert.ok((await readFile(join(world.directory, 'back/content'))).equals(Buffer.alloc(300_000, 65)))
  assert.partialDeepStrictEqual(task.result, { startCommand: ['true'] })
})

test('a restore that leads out of the roots, by dots or by a link, writes nothing', async () => {
  const { world, setId } = await worldWithSet()
  await using _ = world
  await symlink('/tmp', join(world.directory, 'way-out'))
  for (const to of ['/tmp/holdfast-elsewhere', join(world.directory, 'way-out/x'), `${world.directory}/../x`]) {
    await ask(world, 'restore', setId, { to })
    const task = await world.doNext()
    assert.equal(task?.state, 'failed', to)
    assert.match(task?.reason ?? '', /restore\.roots/)
  }
})

test('a restore that fails is not tried again: its target is not empty any more', async () => {
  let reads = 0
  await using world = await workerWorld({
    store: (plain) => ({
      ...plain,
      get: async (key, options) => {
        if (key.endsWith('data.tar.zst') && reads++ === 0) throw new Fault('store_unavailable', `get ${key}`)
        return plain.get(key, options)
      },
    }),
  })
  const asked = await world.askBackup()
  await world.doNext()
  await ask(world, 'restore', asked.setId ?? '', { to: join(world.directory, 'back') })
  const task = await world.doNext()
  assert.equal(task?.state, 'failed')
  assert.match(task?.reason ?? '', /^get sets/)
})

test('a removal goes on until the store answers', async () => {
  let down = true
  await using world = await workerWorld({
    store: (plain) => ({
      ...plain,
      remove: async (key, options) => {
        if (down) throw new Fault('store_unavailable', `remove ${key}`)
        return plain.remove(key, options)
      },
    }),
  })
  const asked = await world.askBackup()
  await world.doNext()
  await world.catalog.removeSets('pgm-1', [asked.setId ?? ''])
  for (let attempt = 1; attempt <= 5; attempt++) {
    assert.equal((await world.doNext())?.state, 'waiting')
    world.clock.advance(300_000)
  }
  down = false
  assert.equal((await world.doNext())?.state, 'finished')
})

test('an expired set leaves neither bytes nor a row', async () => {
  const { world, setId } = await worldWithSet()
  await using _ = world
  const [task] = await world.catalog.removeSets('pgm-1', [setId])
  assert.equal((await world.doNext())?.id, task?.id)
  assert.deepEqual(
    (await world.keys()).filter((key) => key.startsWith('sets/')),
    [],
  )
  assert.equal(await world.catalog.set(setId), undefined)
})

/** Puts one object into an attempt's place, as a writer that died would leave it. */
const leave = (world: WorkerWorld, key: string) =>
  world.store.put(
    key,
    (async function* () {
      yield Buffer.from('half')
    })(),
  )

async function sweep(world: WorkerWorld): Promise<unknown> {
  await world.catalog.ensureTask({ kind: 'sweep', request: {} })
  return (await world.doNext())?.result
}

test('a dead attempt gets a tombstone, and goes one lease later', async () => {
  const { world, setId } = await worldWithSet()
  await using _ = world
  const before = await world.keys()
  await leave(world, `sets/pgm-1/${setId}/999999-7/data.tar.zst`)
  assert.deepEqual(await sweep(world), { entombed: 1, removed: 0, halfWritten: 0 })
  world.clock.advance(LEASE_MS - 1)
  assert.deepEqual(await sweep(world), { entombed: 0, removed: 0, halfWritten: 0 })
  world.clock.advance(2)
  assert.deepEqual(await sweep(world), { entombed: 0, removed: 1, halfWritten: 0 })
  assert.deepEqual(await world.keys(), before, 'the set itself was not touched')
})

test('an attempt that is being written is left alone', async () => {
  let swept: unknown
  await using world = await workerWorld({
    beforeChunk: async (bytes) => {
      if (bytes === 0 || swept !== undefined) return
      await leave(world, `sets/pgm-1/${asked.setId}/${asked.id}-1/extra.zst`)
      swept = await sweep(world)
    },
  })
  const asked = await world.askBackup()
  assert.equal((await world.doNext())?.state, 'finished')
  assert.deepEqual(swept, { entombed: 0, removed: 0, halfWritten: 0 })
})

test('a whole set that the catalog does not know is never swept: it may be rebuilt from', async () => {
  const { world, setId } = await worldWithSet()
  await using _ = world
  const manifest = (await world.keys()).find((key) => key.endsWith('manifest.json')) ?? ''
  await leave(world, manifest.replace(`/${setId}/`, '/777777/').replace(/\d+-1\//, '888888-1/'))
  world.clock.advance(365 * 86_400_000)
  assert.deepEqual(await sweep(world), { entombed: 0, removed: 0, halfWritten: 0 })
})

test('half an attempt that no catalog knows is left for a week', async () => {
  await using world = await workerWorld()
  await leave(world, 'sets/pgm-other/777777/888888-1/data.tar.zst')
  assert.deepEqual(await sweep(world), { entombed: 0, removed: 0, halfWritten: 0 })
  world.clock.advance(8 * 86_400_000)
  assert.deepEqual(await sweep(world), { entombed: 1, removed: 0, halfWritten: 0 })
})

test('a removal that was cut short is taken up again', async () => {
  const { world, setId } = await worldWithSet()
  await using _ = world
  const place = { instanceId: 'pgm-1', setId, taskId: '999999', attempt: 1 }
  await leave(world, `sets/pgm-1/${setId}/999999-1/data.tar.zst`)
  await entombAttempt(world.store, place, world.clock.now() - LEASE_MS - 1)
  assert.deepEqual(await sweep(world), { entombed: 0, removed: 1, halfWritten: 0 })
})

test('a sweep forgets the records of changes that are past their time, and no other', async () => {
  await using world = await workerWorld()
  const record = { ...auditEntry('R1', { at: world.clock.now() }), code: '', taskIds: [], setIds: [] }
  await world.catalog.addAuditRecord({ ...record, outcome: 'refused' })
  world.clock.advance(400 * 86_400_000)
  await sweep(world)
  const left = async () => (await world.catalog.auditRecords({ offset: 0, limit: 9 })).total
  assert.equal(await left(), 1)
  world.clock.advance(1)
  await sweep(world)
  assert.equal(await left(), 0)
})
