import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Manifest } from '../../src/core/manifest.ts'
import type { Task } from '../../src/core/task.ts'
import { entombAttempt, isEntombed } from '../../src/set/attempts.ts'
import { listManifests } from '../../src/set/list.ts'
import { readManifest } from '../../src/set/read.ts'
import type { AttemptPlace, SetWriter } from '../../src/set/set.ts'
import { verifySet } from '../../src/set/verify.ts'
import { beginSet } from '../../src/set/write.ts'
import { bytes } from '../contract/store.ts'
import { manifestOf } from '../lib/set.ts'
import { LEASE_MS, workerWorld, type WorkerWorld } from '../lib/worker-world.ts'

/** The place of a task's attempt. */
const placeOf = ({ id, setId = '' }: Task, attempt: number): AttemptPlace => ({
  instanceId: 'pgm-1',
  setId,
  taskId: id,
  attempt,
})

/** A first attempt that lies in the store whole, but for its manifest, when its worker is stopped. */
async function stoppedBeforeManifest(world: WorkerWorld) {
  const task = await world.askBackup()
  const place = placeOf(task, 1)
  await world.claim('stopped')
  const writer: SetWriter = beginSet(world.store, place, { level: 1 })
  await writer.part('data', bytes('all of the database'))
  const manifest: Manifest = manifestOf(place, writer)
  return { task, place, goOn: () => writer.commit(manifest) }
}

async function sweepAgain(world: WorkerWorld): Promise<void> {
  world.clock.advance(2 * LEASE_MS)
  await world.catalog.ensureTask({ kind: 'sweep', request: {} })
  await world.doNext('sweeper')
}

test('a tombstone that a stopped sweeper puts too late takes no set away', async () => {
  const [tombstone, arrived] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await using world = await workerWorld({
    store: (plain) => ({
      ...plain,
      put: async (key, body, options) => {
        if (key.endsWith('tombstone')) {
          arrived.resolve()
          await tombstone.promise
        }
        return plain.put(key, body, options)
      },
    }),
  })
  const { task, place, goOn } = await stoppedBeforeManifest(world)
  world.clock.advance(LEASE_MS + 1)
  await world.claim('one that dies')
  await world.catalog.ensureTask({ kind: 'sweep', request: {} })
  const sweeping = world.doNext('stopped sweeper')
  await arrived.promise
  await goOn()
  world.clock.advance(LEASE_MS + 1)
  assert.equal((await world.doNext('adopter', undefined, ['take-backup']))?.state, 'finished')
  const key = (await world.catalog.set(task.setId ?? ''))?.manifestKey ?? ''
  assert.match(key, new RegExp(`/${task.id}-1/`), 'the first attempt was adopted')

  tombstone.resolve()
  await sweeping
  assert.equal(await isEntombed(world.store, place), true)
  await sweepAgain(world)
  await sweepAgain(world)
  assert.equal((await verifySet(world.store, await readManifest(world.store, key))).ok, true)
  assert.deepEqual(
    (await Array.fromAsync(listManifests(world.store))).map((set) => set.key),
    [key],
  )
})

test('an attempt that gets its tombstone while it is being adopted is no set, and the backup is taken anew', async () => {
  let entomb: (() => Promise<void>) | undefined
  await using world = await workerWorld({
    store: (plain) => ({
      ...plain,
      stat: async (key, options) => {
        if (key.endsWith('data.tar.zst')) await entomb?.()
        return plain.stat(key, options)
      },
    }),
  })
  const { task, place, goOn } = await stoppedBeforeManifest(world)
  await goOn()
  world.clock.advance(LEASE_MS + 1)
  entomb = async () => {
    entomb = undefined
    await entombAttempt(world.store, place, world.clock.now())
  }
  const refused = await world.doNext('adopter')
  assert.equal(refused?.state, 'waiting')
  assert.match(refused.reason ?? '', /attempt 1 is being swept away/)
  assert.equal(await world.catalog.set(task.setId ?? ''), undefined)
})
