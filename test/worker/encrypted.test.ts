import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateX25519Identity } from 'age-encryption'
import { DEFAULT_SETTINGS } from '../../src/core/instance.ts'
import type { TaskKind } from '../../src/core/task.ts'
import { parseIdentities } from '../../src/lib/age.ts'
import type { Encryption } from '../../src/set/encryption.ts'
import { noteProven } from '../../src/set/proofs.ts'
import { workerWorld } from '../lib/worker-world.ts'

const [own, stranger] = await Promise.all(
  [0, 1].map(async () => (await parseIdentities(await generateX25519Identity()))?.[0] ?? assert.fail('no identity')),
)
const held: Encryption = { recipients: [own?.recipient ?? ''], identities: own ? [own] : [] }
const escrow: Encryption = { ...held, identities: [] }
const wrong: Encryption = { ...held, identities: stranger ? [stranger] : [] }

/** A world with one encrypted Success set, taken in escrow. */
async function encryptedWorld() {
  let encryption = escrow
  const world = await workerWorld({ encryption: () => encryption })
  await noteProven(world.store, [own?.fingerprint ?? ''], world.clock.now())
  const { setId = '' } = await world.askBackup()
  assert.equal((await world.doNext())?.state, 'finished')
  const target = join(world.directory, 'back')
  const makes = {
    id: 'pgm-clone',
    engine: 'postgres',
    engineVersion: '15.0',
    description: '',
    settings: DEFAULT_SETTINGS,
    systemIdentifier: '7',
    createdAt: world.clock.now(),
    nodes: [],
  } as const
  return {
    world,
    setId,
    written: async () => (await readdir(world.directory)).filter((name) => ['back', 'drills', 'clones'].includes(name)),
    /** Does one task as a worker with this encryption. */
    async do(kind: TaskKind, as: Encryption) {
      encryption = as
      const task = { kind, setId, request: kind === 'restore' ? { to: target } : {} }
      await world.catalog.addTask(
        kind === 'clone' ? { ...task, instanceId: makes.id, makes } : { ...task, instanceId: 'pgm-1' },
      )
      return world.doNext()
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}

test('a worker without the identity refuses what needs the rows of a set, once, and writes nothing', async () => {
  await using made = await encryptedWorld()
  for (const kind of ['restore', 'drill', 'clone'] as const) {
    for (const [as, tried] of [
      [escrow, 'there is no identity here'],
      [wrong, `not to ${stranger?.fingerprint}`],
    ] as const) {
      const task = await made.do(kind, as)
      assert.equal(task?.state, 'failed', kind)
      assert.match(
        task?.reason ?? '',
        new RegExp(`set ${made.setId}: it is encrypted to ${own?.fingerprint}, .*${tried}`),
      )
    }
  }
  assert.deepEqual(await made.written(), [])
  const set = await made.world.catalog.set(made.setId)
  assert.deepEqual([set?.damage, set?.drillDamage, set?.available], [undefined, undefined, true])
})

test('a worker with the identity restores, drills and clones it', async () => {
  await using made = await encryptedWorld()
  for (const kind of ['restore', 'drill', 'clone'] as const) {
    const task = await made.do(kind, held)
    assert.deepEqual([task?.state, task?.reason], ['finished', undefined], kind)
  }
})

test('a check of the stored bytes needs none, and tells that it read no more', async () => {
  await using made = await encryptedWorld()
  for (const as of [escrow, held]) {
    const task = await made.do('verify', as)
    assert.equal((task?.result as { opened?: boolean } | undefined)?.opened, as === held)
  }
})

test('no set is encrypted before somebody showed that he has an identity of a recipient', async () => {
  await using world = await workerWorld({ encryption: () => escrow })
  const { setId = '' } = await world.askBackup()
  const task = await world.doNext()
  assert.match(task?.reason ?? '', /nobody has shown yet/)
  assert.equal((await world.catalog.set(setId))?.status, 'Failed')
  assert.deepEqual(
    (await world.keys()).filter((key) => key.startsWith('sets/')),
    [],
  )
})
