import assert from 'node:assert/strict'
import { chmod, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { violationsOf } from '../crash/violations.ts'
import { sweepTwice } from '../crash/recover.ts'
import { contentOf, placesOf } from '../crash/scene-parts.ts'
import { makeScene, type Scene } from '../crash/scene.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { cancelledAt, type Kind, type Round, targetOf } from './cancelled-task.ts'

const CONTENT_BYTES = 200_000

const keysOf = async (scene: Scene) => (await Array.fromAsync(scene.store.list('sets/'))).map(({ key }) => key)
const entriesOf = (directory: string) => readdir(directory).catch(() => [])

/** What a cancelled task left, in plain words. */
async function remains(scene: Scene, { task }: Round, keysBefore: readonly string[]): Promise<string[]> {
  // A backup must not become a set; of another task the work was done, and its end says so.
  if (task.kind !== 'take-backup' && task.state === 'finished') return []
  const wrong: string[] = []
  if (task.state !== 'cancelled') wrong.push(`the task is ${task.state} (${task.reason})`)
  if (!/cancelled/.test(task.reason ?? '')) wrong.push(`its reason is ${task.reason}`)
  const more = (await keysOf(scene)).filter((key) => !keysBefore.includes(key))
  wrong.push(...more.map((key) => `${key} lies in the store`))
  if (task.kind === 'take-backup' && (await scene.catalog.set(task.setId ?? ''))) wrong.push('there is a set')
  const drills = await entriesOf(join(scene.directory, 'drills'))
  const restored = await entriesOf(targetOf(scene))
  return [...wrong, ...[...drills, ...restored].map((name) => `${name} lies on the disk`)]
}

/** Cancels a task of this kind at each step that `which` takes of all; tells what is wrong, and where the cancel came in time. */
async function cancelAtEach(scene: Scene, kind: Kind, which: (steps: readonly string[]) => readonly number[]) {
  const whole = await cancelledAt(scene, kind)
  assert.equal(whole.task.state, 'finished', whole.task.reason)
  const taken = [...scene.expected, ...(whole.task.kind === 'take-backup' ? [whole.task.setId ?? ''] : [])]
  const [wrong, inTime]: [string[], string[]] = [[], []]
  for (const at of which(whole.steps)) {
    const before = await keysOf(scene)
    const round = await cancelledAt(scene, kind, at)
    const step = `step ${at} (${round.steps[at]})`
    if (round.task.state === 'cancelled') inTime.push(String(round.steps[at]))
    else if (kind === 'physical' || kind === 'logical') taken.push(round.task.setId ?? '')
    wrong.push(...(await remains(scene, round, before)).map((what) => `${step}: ${what}`))
  }
  return { wrong, inTime, steps: whole.steps, taken }
}

/** What is wrong with all that is there after everything has come to rest. */
async function atRest(scene: Scene, expected: readonly string[], content: Uint8Array | undefined): Promise<string[]> {
  await sweepTwice(scene)
  const { catalog, store, instanceId } = scene
  const { storeDirectory } = placesOf(scene.directory)
  return violationsOf({ catalog, store, storeDirectory, instanceIds: [instanceId], expected, content })
}

const all = (steps: readonly string[]) => [...steps.keys()]
const firstOfEach = (steps: readonly string[]) => [...new Set(steps)].map((name) => steps.indexOf(name))

suite('a task that is cancelled', () => {
  for (const kind of ['physical', 'verify', 'restore', 'drill'] as const) {
    test(`ends as cancelled at every step and leaves nothing (${kind}, a pretended database)`, async () => {
      await using scene = await makeScene({ kind: 'verify', contentBytes: CONTENT_BYTES })
      await scene.next()
      const { wrong, inTime, steps, taken } = await cancelAtEach(scene, kind, all)
      assert.deepEqual(wrong, [])
      const last = {
        physical: 'put manifest.json',
        verify: 'get data.tar.zst',
        restore: 'get data.tar.zst',
        drill: 'get data.tar.zst',
      }
      for (const step of steps.slice(0, steps.lastIndexOf(last[kind]) + 1)) assert.ok(inTime.includes(step), step)
      assert.deepEqual(await atRest(scene, taken, contentOf(CONTENT_BYTES)), [])
    })
  }
})

suite('a task of PostgreSQL 15 that is cancelled', () => {
  let server: TestServer
  let scene: Scene
  let expected: readonly string[]

  before(async () => {
    server = await startPostgres({ version: 15 })
    await server.query('create table rows as select g, md5(g::text) as t from generate_series(1, 100000) g')
    scene = await makeScene({ kind: 'verify', contentBytes: 0, address: server.address })
    await chmod(scene.directory, 0o711)
    await scene.next()
    expected = scene.expected
  })
  after(async () => {
    await scene[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  for (const kind of ['physical', 'logical', 'verify', 'restore', 'drill'] as const) {
    test(`ends as cancelled at every step, and leaves no byte, slot, session or server (${kind})`, async () => {
      const { wrong, inTime, taken } = await cancelAtEach(scene, kind, firstOfEach)
      expected = [...new Set([...expected, ...taken])]
      assert.deepEqual(wrong, [])
      assert.ok(inTime.length > 3, inTime.join())
      assert.deepEqual(await server.query('select slot_name from pg_replication_slots'), [])
      const sessions = `select pid from pg_stat_activity where application_name ~ 'holdfast|pg_dump'`
      await eventually(async () => (await server.query(sessions)).length === 0, 'no session of ours')
    })
  }

  test('and all sets that were taken between are whole, with no garbage beside them', async () => {
    assert.deepEqual(await atRest(scene, expected, undefined), [])
  })
})
