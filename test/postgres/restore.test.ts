import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, readlink, rename, stat, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { Fault, type FaultCode } from '../../src/core/fault.ts'
import { restore } from '../../src/engine/postgres/restore.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { plainFacts, setOf, tarOf } from './base-backup-set.ts'
import { BIN, openRestoreWorld, type RestoreWorld } from './restore-world.ts'
import { queryRestored, treeDigest } from './restored-server.ts'

const run = promisify(execFile)
const isFault = (code: FaultCode) => (error: unknown) => Fault.is(error, code)

suite('restore of PostgreSQL 15', () => {
  let world: RestoreWorld

  before(async () => {
    world = await openRestoreWorld()
  })
  after(() => world[Symbol.asyncDispose]())

  test('brings up an independent server with the same rows, its files durable and its own', async () => {
    const target = world.at('whole')
    const restored = await restore(target, [setOf(tarOf(world.members), plainFacts({ dataDirectoryMode: '0750' }))], {})
    assert.deepEqual((await readdir(target.directory)).toSorted(), ['RESTORE.txt', 'data', 'socket', 'tablespaces'])
    assert.deepEqual(restored.warnings, [])
    assert.equal(restored.startCommand.join(' '), `${BIN}/postgres -D ${target.directory}/data`)
    const data = await stat(restored.dataDirectory)
    assert.equal(data.mode & 0o7777, 0o750)
    assert.equal((await stat(restored.socketDirectory)).mode & 0o7777, 0o700)
    if (world.owner) assert.deepEqual([data.uid, data.gid], [world.owner.uid, world.owner.gid])
    const sum = `select count(*)::int as n, md5(string_agg(p::text, ',' order by g)) as sum from "in space" p`
    const started = await startRestored(restored, { owner: world.owner })
    try {
      assert.deepEqual(await queryRestored(started, sum), await world.server.query(sum))
      assert.deepEqual(await queryRestored(started, 'show archive_mode'), [{ archive_mode: 'off' }])
      assert.deepEqual(await queryRestored(started, 'select pg_is_in_recovery() as r'), [{ r: false }])
      const [place] = await queryRestored(
        started,
        'select pg_tablespace_location(oid) as l from pg_tablespace where oid > 16000',
      )
      assert.match(String(place?.['l']), new RegExp(`^${target.directory}/tablespaces/\\d+$`))
    } finally {
      await started.stop()
    }
    await started.stop()
  })

  test('every file belongs to the owner, and to nobody else', async () => {
    const restored = await restore(world.at('owned'), [world.set], {})
    const expected = world.owner
      ? `${world.owner.uid}:${world.owner.gid}`
      : `${process.getuid?.()}:${process.getgid?.()}`
    const root = join(restored.dataDirectory, '..')
    for (const name of ['.', ...(await readdir(root, { recursive: true }))]) {
      const info = await lstat(join(root, name))
      assert.equal(`${info.uid}:${info.gid}`, expected, name)
      if (!info.isSymbolicLink()) assert.equal(info.mode & 0o077, 0, name)
    }
  })

  test('pg_verifybackup passes before our configuration takes its place', async () => {
    const restored = await restore(world.at('verified'), [world.set], {})
    const data = restored.dataDirectory
    for (const name of ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf']) {
      await rename(join(data, `${name}.original`), join(data, name))
    }
    await run(join(BIN, 'pg_verifybackup'), ['-i', 'tablespace_map', data])
    assert.match(
      await readFile(join(data, 'tablespace_map'), 'utf8'),
      new RegExp(`^\\d+ ${world.directory}/verified/tablespaces/\\d+\n$`),
    )
    const [link] = await readdir(join(data, 'pg_tblspc'))
    assert.equal(
      await readlink(join(data, 'pg_tblspc', String(link))),
      `${world.directory}/verified/tablespaces/${link}`,
    )
  })

  test('a path of blanks, quotes and backslashes is restored into and started', async () => {
    const target = world.at(`o'dd "näme" \\ $HOME`)
    const restored = await restore(target, [world.set], {})
    await using started = await startRestored(restored, { owner: world.owner })
    await queryRestored(started, 'select count(*) from "in space"')
  })

  test('a path too long for a socket is restored into and started', async () => {
    const target = world.at(join('l'.repeat(90), 'l'.repeat(90)))
    const restored = await restore(target, [world.set], {})
    assert.match(restored.warnings.join(), /too long for a socket/)
    {
      await using started = await startRestored(restored, { owner: world.owner })
      await queryRestored(started, 'select 1')
    }
    await rm(restored.socketDirectory, { recursive: true })
  })

  test('refuses a target that is not empty, also behind a link, and touches nothing there', async () => {
    const taken = join(world.directory, 'taken')
    await mkdir(taken)
    await writeFile(join(taken, 'mine'), 'precious')
    await symlink(taken, join(world.directory, 'link-to-taken'))
    await symlink(join(world.directory, 'nowhere'), join(world.directory, 'link-to-nowhere'))
    for (const name of ['taken', 'link-to-taken', 'taken/mine', 'taken/mine/below', 'link-to-nowhere']) {
      const refused = restore(world.at(name), [world.set], {})
      await assert.rejects(refused, (e) => Fault.is(e) && ['conflict', 'engine_failed'].includes(e.code), name)
    }
    assert.deepEqual(await readdir(taken), ['mine'])
  })

  test('an empty directory behind a link is restored into', async () => {
    await mkdir(join(world.directory, 'empty'))
    await symlink(join(world.directory, 'empty'), join(world.directory, 'link-to-empty'))
    const restored = await restore(world.at('link-to-empty'), [world.set], {})
    assert.equal(restored.dataDirectory, join(world.directory, 'empty/data'))
  })

  test('refuses a relative path and one with a line break', async () => {
    for (const path of ['relative', '/tmp/a\nb']) {
      const refused = restore({ directory: path }, [world.set], {})
      await assert.rejects(refused, isFault('invalid'))
    }
  })

  test('refuses, before it writes, a version whose programs are not here, and names the package', async () => {
    const refused = restore(
      world.at('other'),
      [setOf(tarOf(world.members), plainFacts({ serverVersion: 140_005 }))],
      {},
    )
    await assert.rejects(refused, (e) => Fault.is(e, 'unsupported') && /postgresql-14/.test(e.hint ?? ''))
    await assert.rejects(stat(join(world.directory, 'other')), { code: 'ENOENT' })
  })

  test('refuses, before it writes, a set of another architecture', async () => {
    const refused = restore(world.at('other'), [setOf(tarOf(world.members), plainFacts({ architecture: 's390x' }))], {})
    await assert.rejects(refused, (e) => Fault.is(e, 'unsupported') && /s390x/.test(e.message))
    await assert.rejects(stat(join(world.directory, 'other')), { code: 'ENOENT' })
  })

  test('refuses, before it writes, a set for which there is no room', async () => {
    const set = world.set
    const parts = set.manifest.parts.map((part) => ({ ...part, plainSize: 2 ** 52 }))
    const refused = restore(world.at('other'), [{ ...set, manifest: { ...set.manifest, parts } }], {})
    await assert.rejects(refused, isFault('target_full'))
    await assert.rejects(stat(join(world.directory, 'other')), { code: 'ENOENT' })
  })

  test('refuses a set that is no physical full one', async () => {
    const set = world.set
    const { postgres: _, ...manifest } = set.manifest
    for (const chain of [[], [{ ...set, manifest }]]) {
      await assert.rejects(restore(world.at('other'), chain, {}), isFault('unsupported'))
    }
    await assert.rejects(restore(world.at('other'), [set, set], {}), isFault('store_corrupt'))
    await assert.rejects(restore(world.at('other'), [set], { until: 1 }), isFault('unsupported'))
  })

  test('progress goes up to the size of the set', async () => {
    const set = world.set
    const seen: { phase: string; bytes: number; totalBytes: number }[] = []
    await restore(world.at('progress'), [set], {}, { onProgress: (progress) => seen.push(progress) })
    const bytes = seen.map((one) => one.bytes)
    assert.deepEqual(
      bytes,
      bytes.toSorted((a, b) => a - b),
    )
    assert.deepEqual([...new Set(seen.map(({ phase }) => phase))], ['writing', 'checking', 'finishing'])
    assert.deepEqual(seen.at(-1), {
      phase: 'finishing',
      bytes: set.manifest.parts[0]?.plainSize,
      totalBytes: set.manifest.parts[0]?.plainSize,
    })
  })

  test('of two restores into one place, one wins and the other touches nothing', async () => {
    const both = [restore(world.at('contested'), [world.set], {}), restore(world.at('contested'), [world.set], {})]
    const results = await Promise.allSettled(both)
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    assert.equal(lost.length, 1)
    assert.ok(isFault('conflict')(lost[0]))
    await using started = await startRestored(
      results.find((result) => result.status === 'fulfilled')?.value ?? assert.fail(),
      { owner: world.owner },
    )
    await queryRestored(started, 'select count(*) from "in space"')
  })

  test('what is loud of a set is loud when it is restored', async () => {
    const facts = plainFacts({
      serverVersionText: '15.99',
      pageChecksums: 'failed',
      badPages: ['base/5/1259 block 7'],
      collations: [{ database: 'postgres', provider: 'libc', locale: 'xx_XX.UTF-8', version: '1.0' }],
      extensions: [{ database: 'postgres', name: 'gone', version: '1' }],
      preloadLibraries: ['pg_cron', 'gone_too'],
    })
    const { warnings } = await restore(world.at('loud'), [setOf(tarOf(world.members), facts)], {})
    for (const form of [
      /bad page checksums .*: base\/5\/1259 block 7$/,
      /C library's version 1\.0, this machine with \d.*: REINDEX DATABASE "postgres"; ALTER DATABASE/,
      /does not have the locale xx_XX\.UTF-8/,
      /extension gone, used in "postgres", is not installed/,
      /the source ran 15\.99, this machine has the older 15\./,
      /do things by themselves: pg_cron/,
      /not installed here: .*gone_too/,
    ]) {
      assert.ok(
        warnings.some((warning) => form.test(warning)),
        String(form),
      )
    }
    assert.equal(warnings.length, 7)
  })

  test('a target below a directory that is closed to the owner is warned of', async () => {
    await mkdir(join(world.directory, 'shut'), { mode: 0o700 })
    const { warnings } = await restore(world.at('shut/below'), [world.set], {})
    assert.equal(warnings.length, world.owner ? 1 : 0)
    if (world.owner) assert.match(warnings.join(), /^user \d+ cannot reach .*shut\/below/)
  })

  test('a refused target keeps every byte', async () => {
    const before = await treeDigest(join(world.directory, 'taken'))
    await assert.rejects(restore(world.at('taken'), [world.set], {}), isFault('conflict'))
    assert.equal(await treeDigest(join(world.directory, 'taken')), before)
  })
})
