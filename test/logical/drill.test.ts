import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import type { LogicalDatabase } from '../../src/core/manifest.ts'
import { postgresEngine } from '../../src/engine/postgres/engine.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openSet } from '../../src/set/read.ts'
import { fillRichly } from '../e2e/rich-source.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { isGone, openRestoreWorld, type RestoreWorld } from '../postgres/restore-world.ts'
import { changed, takeLogical, type TakenSet } from './world.ts'

const engine = postgresEngine({ clock: systemClock })
const readerOf = ({ store, manifest }: TakenSet) => openSet(store, manifest)

/** The set with something else said of one of its databases. */
function saying(set: TakenSet, name: string, more: Partial<LogicalDatabase>): TakenSet {
  const { logical } = set.manifest
  if (!logical) throw new Error('not a logical set')
  const databases = logical.databases.map((one) => (one.name === name ? { ...one, ...more } : one))
  return { ...set, manifest: { ...set.manifest, logical: { ...logical, databases } } }
}

suite('a drill of a logical set', () => {
  let source: TestServer
  let world: RestoreWorld
  let set: TakenSet
  before(async () => {
    world = await openRestoreWorld()
    source = await startPostgres({ version: 15 })
    await fillRichly(source)
    await source.query('create role app')
    await source.query('create database shop owner app')
    await source.query('create table orders as select generate_series(1, 3000) as id', 'shop')
    set = await takeLogical(source.address)
  })
  after(async () => {
    await source[Symbol.asyncDispose]()
    await world[Symbol.asyncDispose]()
  })

  test('brings every database into a new server, counts every row there, and leaves nothing', async () => {
    const target = world.at('passed')
    const phases = new Set<string>()
    const onProgress = ({ phase }: { phase: string }) => void phases.add(phase)
    const report = await engine.drill(target, [readerOf(set)], {}, { onProgress })
    assert.deepEqual(report.problems, [])
    assert.deepEqual(report.warnings, [])
    assert.equal(report.started, true)
    assert.equal(report.pageChecksums, 'not available')
    const names = report.databases.map(({ name }) => name)
    assert.deepEqual(names.toSorted(), ['Empty "db', 'postgres', 'shop', 'template1', "Ödd 'db' $1;\\"].toSorted())
    const shop = report.databases.find(({ name }) => name === 'shop')
    assert.deepEqual([shop?.check, shop?.tables.find(({ name }) => name === 'public.orders')?.rows], ['amcheck', 3000])
    assert.ok(report.bytes > 0 && phases.has('writing') && phases.has('checking'))
    assert.ok(await isGone(target.directory))
  })

  test('of chosen databases goes without the roles, which the set does not have', async () => {
    const chosen = await takeLogical(source.address, { databases: ['shop'] })
    const report = await engine.drill(world.at('chosen'), [readerOf(chosen)], {})
    assert.deepEqual(report.problems, [])
    assert.deepEqual(
      report.databases.map(({ name }) => name),
      ['postgres', 'shop', 'template1'],
    )
  })

  test('tells what of it cannot be restored', async () => {
    const target = world.at('rotten')
    const reader = changed(readerOf(set), (text) => text.replaceAll('PGDMP', 'PGDUM'))
    const report = await engine.drill(target, [reader], {})
    assert.equal(report.started, false)
    assert.match(report.problems.join(), /dump of database .*not appear to be a valid archive/)
    assert.ok(await isGone(target.directory))
  })

  test('says nothing of the set when this machine lacks what its databases need', async () => {
    const { collation, extensions } =
      set.manifest.logical?.databases.find(({ name }) => name === 'shop') ?? assert.fail()
    const lacks: readonly (readonly [Partial<LogicalDatabase>, 'unsupported' | 'instance_unready', RegExp])[] = [
      [{ collation: { ...collation, provider: 'libc', locale: 'tlh_KX.UTF-8' } }, 'unsupported', /"shop".*tlh_KX/],
      [{ extensions: [...extensions, { name: 'warp', version: '9' }] }, 'instance_unready', /extensions "warp"/],
    ]
    for (const [more, code, message] of lacks) {
      const target = world.at(code)
      await assert.rejects(engine.drill(target, [readerOf(saying(set, 'shop', more))], {}), (error) => {
        assert.ok(Fault.is(error, code), String(error))
        assert.match(error.message, message)
        return true
      })
      assert.ok(await isGone(target.directory))
    }
  })
})
