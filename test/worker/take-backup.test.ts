import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { entombAttempt } from '../../src/set/attempts.ts'
import { openDownload } from '../../src/set/download.ts'
import { openSet, readManifest } from '../../src/set/read.ts'
import { LEASE_MS, workerWorld } from '../lib/worker-world.ts'

const SETS = { instanceId: 'pgm-1', offset: 0, limit: 30 }

test('a backup that went well is a Success set whose bytes are those of the database', async () => {
  await using world = await workerWorld()
  const asked = await world.askBackup()
  const task = await world.doNext()
  assert.equal(task?.state, 'finished')
  const [set] = (await world.catalog.sets(SETS)).items
  assert.equal(set?.id, asked.setId)
  assert.equal(set?.status, 'Success')
  assert.equal(set?.nodeId, world.instance.nodes[0]?.id)
  const manifest = await readManifest(world.store, set?.manifestKey ?? '')
  assert.equal(set?.size, (await openDownload(world.store, manifest)).size)
  const bytes = Buffer.concat(await Array.fromAsync(openSet(world.store, manifest).read('data')))
  assert.ok(bytes.equals(Buffer.alloc(300_000, 65)))
})

test('a failure that may pass gives the task back for later, without a set', async () => {
  await using world = await workerWorld({
    beforeChunk: async () => {
      throw new Fault('engine_failed', 'the server went away')
    },
  })
  await world.askBackup()
  const task = await world.doNext()
  assert.equal(task?.state, 'waiting')
  assert.match(task?.reason ?? '', /the server went away/)
  assert.equal((await world.catalog.sets(SETS)).total, 0)
  assert.deepEqual(
    (await world.keys()).filter((key) => key.startsWith('sets/')),
    [],
  )
  assert.equal(await world.claim('w1'), undefined, 'not before the back-off is over')
  world.clock.advance(10_000)
  assert.equal((await world.claim('w1'))?.attempt, 2)
})

test('after the last attempt there is a Failed set with its reason and its node, and no bytes', async () => {
  await using world = await workerWorld({
    beforeChunk: async () => {
      throw new Fault('engine_failed', 'the server went away')
    },
  })
  const asked = await world.askBackup()
  for (let attempt = 1; attempt <= 3; attempt++) {
    await world.doNext()
    world.clock.advance(300_000)
  }
  assert.equal((await world.catalog.task(asked.id))?.state, 'failed')
  const [set] = (await world.catalog.sets(SETS)).items
  assert.equal(set?.status, 'Failed')
  assert.equal(set?.reason, 'the server went away')
  assert.equal(set?.nodeId, world.instance.nodes[0]?.id)
  assert.equal(set?.manifestKey, undefined)
  assert.deepEqual(
    (await world.keys()).filter((key) => key.startsWith('sets/')),
    [],
  )
})

test('a failure that cannot pass fails the task at once', async () => {
  await using world = await workerWorld({
    beforeChunk: async () => {
      throw new Fault('instance_unready', 'no privilege')
    },
  })
  await world.askBackup()
  assert.equal((await world.doNext())?.state, 'failed')
})

test('a bug fails the task without its words reaching the reason', async () => {
  await using world = await workerWorld({
    beforeChunk: async () => {
      throw new TypeError('x of undefined, password=hunter2')
    },
  })
  await world.askBackup()
  const task = await world.doNext()
  assert.equal(task?.state, 'failed')
  assert.doesNotMatch(task?.reason ?? '', /hunter2/)
})

test('a worker that was paused past its lease cannot commit, and whoever took over does', async () => {
  let paused = false
  await using world = await workerWorld({
    beforeChunk: async (bytes) => {
      if (bytes === 0 || paused) return
      paused = true
      world.clock.advance(LEASE_MS + 1)
      assert.equal((await world.doNext('w2'))?.state, 'finished')
    },
  })
  const asked = await world.askBackup()
  await world.doNext('w1')
  const { items } = await world.catalog.sets(SETS)
  assert.equal(items.length, 1)
  assert.match(items[0]?.manifestKey ?? '', new RegExp(`/${asked.id}-2/`))
  assert.equal((await world.catalog.task(asked.id))?.attempt, 2)
})

test('a set that was finished but not committed is adopted by the next attempt', async () => {
  let [commits, chunks] = [0, 0]
  await using world = await workerWorld({
    catalog: (plain) => ({
      ...plain,
      commitSet: async (...args) => {
        if (commits++ === 0) throw new Fault('catalog_unavailable', 'commit')
        return plain.commitSet(...args)
      },
    }),
    beforeChunk: async (bytes) => {
      if (bytes === 0) chunks++
    },
  })
  const asked = await world.askBackup()
  assert.equal((await world.doNext())?.state, 'waiting')
  world.clock.advance(10_000)
  assert.equal((await world.doNext())?.state, 'finished')
  assert.equal(chunks, 1, 'the database was read once')
  const [set] = (await world.catalog.sets(SETS)).items
  assert.match(set?.manifestKey ?? '', new RegExp(`/${asked.id}-1/`))
})

test('an attempt with a tombstone in it is no set', async () => {
  await using world = await workerWorld({
    beforeChunk: async (bytes) => {
      if (bytes > 0) await entombAttempt(world.store, place, world.clock.now())
    },
  })
  const asked = await world.askBackup()
  const place = { instanceId: 'pgm-1', setId: asked.setId ?? '', taskId: asked.id, attempt: 1 }
  assert.equal((await world.doNext())?.state, 'running', 'left to its lease')
  assert.equal((await world.catalog.sets(SETS)).total, 0)
})

test('a cancelled backup ends as cancelled and leaves nothing', async () => {
  await using world = await workerWorld({
    beforeChunk: async (bytes) => {
      if (bytes > 0) await world.catalog.cancelTask(asked.id).catch(() => {})
    },
  })
  const asked = await world.askBackup()
  assert.equal((await world.doNext())?.state, 'cancelled')
  assert.deepEqual(
    (await world.keys()).filter((key) => key.startsWith('sets/')),
    [],
  )
  assert.equal((await world.catalog.sets(SETS)).total, 0)
})

test('a worker that must stop gives its backup back at once', async () => {
  const hurry = new AbortController()
  await using world = await workerWorld({
    beforeChunk: async () => hurry.abort(new Fault('service_unavailable', 'the worker was stopped')),
  })
  await world.askBackup()
  const task = await world.doNext('w1', hurry.signal)
  assert.equal(task?.state, 'waiting')
  assert.ok(await world.claim('w2'), 'and another may have it at once')
})

test('a service that is stopped again and again uses up no try of its backup', async () => {
  let stopped = 0
  let hurry = new AbortController()
  await using world = await workerWorld({
    beforeChunk: async () => {
      if (stopped++ < 5) hurry.abort(new Fault('service_unavailable', 'the worker was stopped'))
    },
  })
  await world.askBackup()
  for (let start = 1; start <= 5; start++) {
    hurry = new AbortController()
    const task = await world.doNext(`w${start}`, hurry.signal)
    assert.deepEqual([task?.state, task?.attempt, task?.stopped], ['waiting', start, start])
  }
  assert.equal((await world.doNext('w6'))?.state, 'finished')
  assert.match((await world.keys()).find((key) => key.endsWith('/manifest.json')) ?? '', /-6\/manifest\.json$/)
})

test('a backup whose worker died in every attempt fails instead of killing workers for ever', async () => {
  await using world = await workerWorld()
  const asked = await world.askBackup()
  for (let attempt = 1; attempt <= 3; attempt++) {
    assert.equal((await world.claim(`w${attempt}`))?.attempt, attempt)
    world.clock.advance(LEASE_MS + 1)
  }
  assert.equal((await world.doNext('w4'))?.state, 'failed')
  assert.match((await world.catalog.task(asked.id))?.reason ?? '', /gave up/)
})

test('the next attempt takes another node than the one that failed', async () => {
  const content = new Uint8Array(1000)
  const taken: string[] = []
  await using world = await workerWorld({
    preferReplica: true,
    servers: {
      primary: { role: 'primary', systemIdentifier: '7', content },
      replica: { role: 'replica', systemIdentifier: '7', content },
    },
    beforeChunk: async (_bytes, host) => {
      taken.push(host)
      if (host === 'replica') throw new Fault('engine_failed', 'it was promoted')
    },
  })
  await world.askBackup()
  await world.doNext()
  world.clock.advance(10_000)
  assert.equal((await world.doNext())?.state, 'finished')
  assert.deepEqual(taken, ['replica', 'primary'])
})

test('a role that changed is noted', async () => {
  await using world = await workerWorld({
    servers: { a: { role: 'primary', systemIdentifier: '7', content: new Uint8Array(10) } },
  })
  const [node] = world.instance.nodes
  await world.catalog.updateInstance('pgm-1', { roles: { [node?.id ?? '']: 'replica' } })
  await world.askBackup()
  await world.doNext()
  assert.equal((await world.catalog.instance('pgm-1'))?.nodes[0]?.role, 'primary')
})

test('when no node will do, the reason says why of every one', async () => {
  await using world = await workerWorld({
    servers: {
      a: { role: 'primary', systemIdentifier: '8', content: new Uint8Array(10) },
      b: { role: 'replica', systemIdentifier: '7', content: new Uint8Array(10), unreachable: true },
    },
  })
  await world.askBackup()
  const task = await world.doNext()
  assert.equal(task?.state, 'waiting', 'an instance that does not answer may answer later')
  assert.match(task?.reason ?? '', /another database cluster/)
  assert.match(task?.reason ?? '', /connect to b/)
})
