import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../src/core/instance.ts'
import type { Task } from '../../src/core/task.ts'
import type { Cloned } from '../../src/worker/clone-place.ts'
import { keepClones, lookAfterClones } from '../../src/worker/keep-clones.ts'
import { workerWorld, type WorldOptions } from '../lib/worker-world.ts'

/** A world with one Success set, and what is done to clones of it. */
async function cloneWorld(options: WorldOptions = {}) {
  const world = await workerWorld(options)
  const { catalog, directory, clock, instance } = world
  const setId = (await world.askBackup()).setId ?? ''
  await world.doNext()
  const clones = join(directory, 'clones')
  const deps = { ...world.depsOf('keeper'), clones, lookSeconds: 30 }
  return {
    world,
    catalog,
    clones,
    deps,
    setId,
    look: () => lookAfterClones(deps, new AbortController().signal),
    places: () => readdir(clones).catch(() => []),
    ask: (id: string) =>
      catalog.addTask({
        kind: 'clone',
        instanceId: id,
        setId,
        request: {},
        makes: {
          id,
          engine: 'postgres',
          engineVersion: '15.0',
          description: '',
          settings: DEFAULT_SETTINGS,
          systemIdentifier: instance.systemIdentifier,
          createdAt: clock.now(),
          nodes: [],
        },
      }),
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]()
    },
  }
}

const runs = ({ result }: Task) =>
  readFile(join((result as Cloned).dataDirectory, 'running')).then(
    () => true,
    () => false,
  )

test('a clone is registered with the login of its source, and the record of it lies in the store', async () => {
  await using made = await cloneWorld()
  const { id } = await made.ask('pgm-clone')
  const task = await made.world.doNext()
  assert.deepEqual([task?.id, task?.state, task?.reason], [id, 'finished', undefined])
  const clone = await made.catalog.instance('pgm-clone')
  assert.deepEqual(
    clone?.nodes.map(({ role, address }) => [role, address.host, address.port, address.user]),
    [['primary', '127.0.0.1', (task?.result as Cloned | undefined)?.port, 'u']],
  )
  assert.ok((await made.world.keys()).includes('instances/pgm-clone/000000000001.json'))
})

test('a clone whose server does not come up fails after its attempts, and leaves neither instance nor files', async () => {
  const content = Buffer.from('a rotten row')
  await using made = await cloneWorld({ servers: { primary: { role: 'primary', systemIdentifier: '7', content } } })
  await made.ask('pgm-clone')
  for (const state of ['waiting', 'waiting', 'failed']) {
    const task = await made.world.doNext()
    assert.equal(task?.state, state)
    assert.match(task?.reason ?? '', /rotten/)
    assert.deepEqual(await made.places(), [])
    made.world.clock.advance(3_600_000)
  }
  assert.notEqual((await made.catalog.instance('pgm-clone'))?.deregisteredAt, undefined)
})

test('a clone whose commit was not heard of is judged by the catalog, not by its worker', async () => {
  await using made = await cloneWorld({
    catalog: (plain) => ({
      ...plain,
      // The answer to the committing transaction is lost on its way.
      commitClone: async (...args) => {
        await plain.commitClone(...args)
        throw new Error('the connection was cut')
      },
    }),
  })
  await made.ask('pgm-clone')
  const task = await made.world.doNext()
  assert.ok(task)
  assert.equal(task.state, 'finished')
  await made.look()
  assert.ok(await runs(task))
})

test('the keeper starts a clone that does not run, and leaves alone one that was deregistered', async () => {
  await using made = await cloneWorld()
  await made.ask('pgm-clone')
  const task = (await made.world.doNext()) as Task
  const file = join((task.result as Cloned).dataDirectory, 'running')
  await rm(file)
  await made.look()
  assert.ok(await runs(task))
  await rm(file)
  await made.catalog.deregisterInstance('pgm-clone', 5)
  await made.look()
  assert.equal(await runs(task), false)
  assert.equal((await made.places()).length, 1)
})

test('the keeper removes what dead attempts left, and nothing that it does not know', async () => {
  await using made = await cloneWorld()
  const { id } = await made.ask('pgm-clone')
  assert.equal((await made.world.claim('killed'))?.id, id)
  const own = `holdfast-clone-pgm-clone-${id}-1`
  const others = [
    `holdfast-clone-pgm-elsewhere-${id}-1`,
    `holdfast-clone-pgm-clone-4711-1`,
    'somebody-elses',
    '.holdfast-lock',
  ]
  for (const name of [own, ...others]) await mkdir(join(made.clones, name), { recursive: true })
  await made.look()
  assert.deepEqual(await made.places(), [own, ...others].toSorted())
  made.world.clock.advance(3_600_000)
  assert.equal((await made.world.doNext())?.attempt, 2)
  await made.look()
  assert.deepEqual(await made.places(), [`holdfast-clone-pgm-clone-${id}-2`, ...others].toSorted())
})

test('a clone that cannot be looked after keeps no other from it', async () => {
  await using made = await cloneWorld()
  const tasks: Task[] = []
  for (const id of ['pgm-a', 'pgm-b']) {
    await made.ask(id)
    tasks.push((await made.world.doNext()) as Task)
  }
  const [broken, good] = tasks as [Task, Task]
  await writeFile(join((broken.result as Cloned).dataDirectory, 'content'), 'rotten')
  await rm(join((good.result as Cloned).dataDirectory, 'running'))
  await made.look()
  assert.ok(await runs(good))
})

test('a release ends the clone and its care; what a killed one left is removed by the next attempt or the keeper', async () => {
  await using made = await cloneWorld()
  await made.ask('pgm-clone')
  const task = (await made.world.doNext()) as Task
  const { directory } = task.result as Cloned
  await made.catalog.addTask({ kind: 'release', instanceId: 'pgm-clone', request: {} })
  await made.world.claim('killed')
  await rm(directory, { recursive: true })
  made.world.clock.advance(3_600_000)
  assert.equal((await made.world.doNext())?.state, 'finished')
  assert.notEqual((await made.catalog.instance('pgm-clone'))?.deregisteredAt, undefined)
  await mkdir(directory)
  await made.look()
  assert.deepEqual(await made.places(), [])
})

test('a release fails by name for an instance that is no clone, and for one that lies elsewhere', async () => {
  await using made = await cloneWorld()
  const release = async (instanceId: string) => {
    await made.catalog.addTask({ kind: 'release', instanceId, request: {} })
    return made.world.doNext()
  }
  const refused = await release('pgm-1')
  assert.equal(refused?.state, 'failed')
  assert.match(refused?.reason ?? '', /instance pgm-1: it is no clone/)
  await made.ask('pgm-clone')
  const { directory } = ((await made.world.doNext()) as Task).result as Cloned
  await rm(directory, { recursive: true })
  const missing = await release('pgm-clone')
  assert.equal(missing?.state, 'failed')
  assert.match(missing?.reason ?? '', /is not on this machine.*DeregisterDBInstance/)
  assert.equal((await made.catalog.instance('pgm-clone'))?.deregisteredAt, undefined)
})

test('of two workers with one directory of clones, one looks after them', async () => {
  await using made = await cloneWorld()
  await made.ask('pgm-clone')
  const task = (await made.world.doNext()) as Task
  const looks = { first: 0, second: 0 }
  const keeperOf = (name: 'first' | 'second') => {
    const catalog: typeof made.catalog = {
      ...made.catalog,
      task: (id) => {
        looks[name]++
        return made.catalog.task(id)
      },
    }
    return { ...made.deps, catalog, lookSeconds: 0.001 }
  }
  const ended = new AbortController()
  const first = keepClones(keeperOf('first'), ended.signal)
  while (looks.first === 0) await new Promise(setImmediate)
  const second = keepClones(keeperOf('second'), ended.signal)
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate)
  ended.abort()
  await Promise.all([first, second])
  assert.equal(looks.second, 0)
  assert.ok(await runs(task))
})
