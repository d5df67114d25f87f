import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { incrementOf, targetOf } from '../../src/engine/postgres/increment-file.ts'
import { startReplica } from '../lib/postgres.ts'
import { eventually } from '../lib/eventually.ts'
import { membersOf, tarOf } from './base-backup-set.ts'
import { queryRestored } from './restored-server.ts'
import { memberOf, openChainWorld, takeMember, type ChainWorld, type Member } from './chain-world.ts'

const fails =
  (pattern: RegExp, code: 'store_corrupt' | 'increment_refused' = 'store_corrupt') =>
  (error: unknown) => {
    assert.ok(Fault.is(error, code), String(error))
    assert.match(error.message, pattern)
    return true
  }

suite('chains that do not fit', () => {
  let world: ChainWorld
  let chain: readonly [Member, Member, Member]
  let targets = 0

  before(async () => {
    world = await openChainWorld()
    const { server } = world
    await server.query('create table plain as select g, md5(g::text) from generate_series(1, 20000) g')
    // Else the next scan notes on every page which rows are there, and all of them count as changed.
    await server.query('vacuum plain')
    const full = await takeMember(server)
    await server.query('update plain set md5 = g::text where g < 50')
    const first = await takeMember(server, full)
    await server.query('update plain set md5 = g::text where g > 19000')
    chain = [full, first, await takeMember(server, first)]
  })
  after(() => world[Symbol.asyncDispose]())

  const refused = async (sets: readonly Member[], pattern: RegExp) => {
    const name = `refused-${(targets += 1)}`
    await assert.rejects(world.restoreTo(name, sets), fails(pattern))
    const found = await readdir(join(world.directory, name, 'data')).catch((): string[] => [])
    assert.ok(!found.includes('PG_VERSION'), 'what was written does not start')
  }
  const changed = (set: Member, change: Partial<Member['manifest']>) =>
    memberOf({ ...set.manifest, ...change }, set.tar, set.serverManifest)

  test('a missing member is named by set', async () => {
    const [full, first, second] = chain
    await refused([full, second], new RegExp(`set ${second.manifest.backupId} adds to set ${first.manifest.backupId}`))
    await refused([first, second], new RegExp(`set ${first.manifest.backupId} adds to set .*, which is missing`))
  })

  test('a member of another cluster, or with another checksum setting, is refused before anything is written', async () => {
    const [full, first] = chain
    const { postgres } = first.manifest
    if (!postgres) return assert.fail()
    const other = { ...postgres, systemIdentifier: '7' }
    await refused([full, changed(first, { postgres: other })], /are of different clusters/)
    const flipped = { ...postgres, dataChecksums: !postgres.dataChecksums }
    await refused([full, changed(first, { postgres: flipped })], /differ in whether pages have checksums/)
  })

  test('a member that says it adds to another set than it does is found by its label', async () => {
    const [full, , second] = chain
    const lying = changed(second, { parentId: full.manifest.backupId })
    await refused([full, lying], new RegExp(`set ${second.manifest.backupId}.*backup_label says`))
  })

  test('changed bytes are found by set and file: in blocks, in a header, in a whole file', async () => {
    const [full, first, second] = chain
    const members = membersOf(first.tar)
    const big = members.find(({ entry }) => targetOf(entry.name) !== undefined && entry.size > 12)
    const whole = members.find(({ entry }) => entry.name === 'data/PG_VERSION')
    for (const [member, at, pattern] of [
      [big, -1, /has another checksum than the server gave/],
      [big, 0, /is no increment/],
      [big, 4, /which are not \d+ blocks/],
      [whole, 0, /PG_VERSION has another checksum/],
    ] as const) {
      assert.ok(member)
      const content = Buffer.from(member.content)
      const place = at < 0 ? content.length + at : at
      content[place] = (content[place] ?? 0) ^ 1
      const tar = tarOf(members.map((one) => (one === member ? { ...member, content } : one)))
      const damaged = memberOf(first.manifest, tar, first.serverManifest)
      const named = new RegExp(
        `restore set ${first.manifest.backupId}, which set ${second.manifest.backupId} needs: .*`,
      )
      await refused([full, damaged, second], new RegExp(named.source + pattern.source))
    }
  })

  test('blocks of a file that the chain does not have are refused', async () => {
    const [full, first] = chain
    const members = membersOf(first.tar).map((member) => {
      const { entry } = member
      return targetOf(entry.name) === 'data/global/1260'
        ? { ...member, entry: { ...entry, name: incrementOf('data/global/999999') } }
        : member
    })
    await refused([full, memberOf(first.manifest, tarOf(members), first.serverManifest)], /999999.*no set before it/)
  })

  test('a server that does not summarise its log refuses, and so does one after its cluster was made anew', async () => {
    const { server } = world
    await server.query('alter system set summarize_wal = off')
    await server.query('select pg_reload_conf()')
    await eventually(async () => {
      const [row] = await server.query<{ summarize_wal: string }>('show summarize_wal')
      return row?.summarize_wal === 'off'
    }, 'the setting is off')
    await assert.rejects(takeMember(server, chain[2]), fails(/WAL summarization/, 'increment_refused'))
    await server.query('alter system reset summarize_wal')
    await server.query('select pg_reload_conf()')
    await using other = await openChainWorld()
    await assert.rejects(takeMember(other.server, chain[2]), fails(/system identifier/, 'increment_refused'))
  })
})

test('a replica that is not far enough says so, or is waited for', async () => {
  await using world = await openChainWorld()
  const { server } = world
  await server.query('create table plain as select g, md5(g::text) from generate_series(1, 20000) g')
  await using replica = await startReplica(server, { settings: { summarize_wal: 'on' } })
  const full = await takeMember(server)
  await server.query('update plain set md5 = g::text where g < 50')
  await assert.rejects(takeMember(replica, full), fails(/last restartpoint of the replica/, 'increment_refused'))
  const waiting = takeMember(replica, full, { baseWaitMs: 60_000 })
  await server.query('checkpoint')
  const [{ lsn } = { lsn: '' }] = await server.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  await eventually(async () => {
    const [row] = await replica.query<{ there: boolean }>(
      `select pg_last_wal_replay_lsn() >= '${lsn}'::pg_lsn as there`,
    )
    return row?.there === true
  }, 'the replica has it all')
  // A restartpoint, which else comes by the clock.
  await replica.query('checkpoint')
  const increment = await waiting
  assert.equal(increment.manifest.postgres?.fromReplica, true)
  const sum = `select count(*)::int as n, sum(g)::int as sum, md5(string_agg(md5, ',' order by md5)) as m from plain`
  const expected = await server.query(sum)
  await world.compare([full, increment], async (started) => {
    assert.deepEqual(await queryRestored(started, sum), expected)
  })
})

test('a chain goes on over a promotion', async () => {
  await using world = await openChainWorld()
  const { server } = world
  await server.query('create table plain as select g, md5(g::text) from generate_series(1, 20000) g')
  await using replica = await startReplica(server, { settings: { summarize_wal: 'on' } })
  const full = await takeMember(server)
  await server.query('update plain set md5 = g::text where g < 50')
  await server.query('select pg_switch_wal()')
  await server.query('insert into plain select g from generate_series(1, 3000) g')
  const [before] = await server.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  await eventually(async () => {
    const [row] = await replica.query<{ there: boolean }>(
      `select pg_last_wal_replay_lsn() >= '${before?.lsn}'::pg_lsn as there`,
    )
    return row?.there === true
  }, 'the replica has it all')
  await server.stop()
  await replica.query('select pg_promote()')
  await replica.query('insert into plain select g from generate_series(1, 500) g; checkpoint')
  const increment = await takeMember(replica, full)
  assert.equal(increment.manifest.postgres?.timeline, 2)
  const later = await takeMember(replica, increment)
  await server.start()
  const sum = `select count(*)::int as n, sum(g)::int as sum, md5(string_agg(md5, ',' order by md5)) as m from plain`
  const expected = await replica.query(sum)
  await world.compare([full, increment, later], async (started) => {
    assert.deepEqual(await queryRestored(started, sum), expected)
  })
})
