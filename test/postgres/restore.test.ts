import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { type Account, databaseAccount, makeDirectoryFor, runAs } from '../../quickstart/account.ts'
import { Fault, type FaultCode } from '../../src/core/fault.ts'
import { restore } from '../../src/engine/postgres/restore.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { MARKER } from '../../src/engine/postgres/restore-target.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { fileMember, plainFacts, setOf, takeMembers, tarOf, type Member } from './base-backup-set.ts'
import { queryRestored, treeDigest } from './restored-server.ts'

const run = promisify(execFile)
const BIN = '/usr/lib/postgresql/15/bin'
const isFault = (code: FaultCode) => (error: unknown) => Fault.is(error, code)

suite('restore of PostgreSQL 15', () => {
  let owner: Account | undefined
  let server: TestServer
  let members: Member[]
  let directory: string

  before(async () => {
    owner = await databaseAccount()
    server = await startPostgres({
      version: 15,
      tablespaces: ['outer "space"'],
      initdbArgs: ['--allow-group-access', '--data-checksums'],
      settings: { archive_mode: 'on', archive_command: 'exit 1', synchronous_standby_names: '' },
    })
    await server.query('create table plain as select g, md5(g::text) from generate_series(1, 50000) g')
    await server.query('create index on plain (md5)')
    await server.query('create table "in space" tablespace "outer ""space""" as select * from plain')
    members = await takeMembers(server)
    directory = await makeDirectoryFor(owner, 'holdfast-restore-', '/tmp')
  })
  after(async () => {
    await rm(directory, { recursive: true, force: true })
    await server[Symbol.asyncDispose]()
  })

  const at = (name: string) => ({ directory: join(directory, name), ...(owner ? { owner } : {}) })
  const without = (...names: string[]) => members.filter(({ entry }) => !names.includes(entry.name))
  const changed = (name: string, change: (content: Buffer) => Buffer) =>
    members.map((member) => (member.entry.name === name ? fileMember(name, change(member.content)) : member))

  /** A target that a restore gave up on must not start, by hand either. */
  const assertStartsNot = async (target: string) => {
    assert.ok((await readdir(target)).includes(MARKER))
    await assert.rejects(
      run(join(BIN, 'postgres'), ['-D', join(target, 'data')], { cwd: '/', timeout: 20_000, ...runAs(owner) }),
      /is not a valid data directory|does not exist|could not (access|open)/,
    )
  }

  test('brings up an independent server with the same rows, its files durable and its own', async () => {
    const target = at('whole')
    const restored = await restore(target, [setOf(tarOf(members), plainFacts({ dataDirectoryMode: '0750' }))], {})
    assert.deepEqual((await readdir(target.directory)).toSorted(), ['RESTORE.txt', 'data', 'socket', 'tablespaces'])
    assert.deepEqual(restored.warnings, [])
    assert.equal(restored.startCommand.join(' '), `${BIN}/postgres -D ${target.directory}/data`)
    const data = await stat(restored.dataDirectory)
    assert.equal(data.mode & 0o7777, 0o750)
    assert.equal((await stat(restored.socketDirectory)).mode & 0o7777, 0o700)
    if (owner) assert.deepEqual([data.uid, data.gid], [owner.uid, owner.gid])
    const sum = `select count(*)::int as n, md5(string_agg(p::text, ',' order by g)) as sum from "in space" p`
    const started = await startRestored(restored, { owner })
    try {
      assert.deepEqual(await queryRestored(started, sum), await server.query(sum))
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
    const restored = await restore(at('owned'), [setOf(tarOf(members), plainFacts())], {})
    const expected = owner ? `${owner.uid}:${owner.gid}` : `${process.getuid?.()}:${process.getgid?.()}`
    const root = join(restored.dataDirectory, '..')
    for (const name of ['.', ...(await readdir(root, { recursive: true }))]) {
      const info = await lstat(join(root, name))
      assert.equal(`${info.uid}:${info.gid}`, expected, name)
      if (!info.isSymbolicLink()) assert.equal(info.mode & 0o077, 0, name)
    }
  })

  test('pg_verifybackup passes before our configuration takes its place', async () => {
    const restored = await restore(at('verified'), [setOf(tarOf(members), plainFacts())], {})
    const data = restored.dataDirectory
    for (const name of ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf']) {
      await rename(join(data, `${name}.original`), join(data, name))
    }
    await run(join(BIN, 'pg_verifybackup'), ['-i', 'tablespace_map', data])
    assert.match(
      await readFile(join(data, 'tablespace_map'), 'utf8'),
      new RegExp(`^\\d+ ${directory}/verified/tablespaces/\\d+\n$`),
    )
    const [link] = await readdir(join(data, 'pg_tblspc'))
    assert.equal(await readlink(join(data, 'pg_tblspc', String(link))), `${directory}/verified/tablespaces/${link}`)
  })

  test('a path of blanks, quotes and backslashes is restored into and started', async () => {
    const target = at(`o'dd "näme" \\ $HOME`)
    const restored = await restore(target, [setOf(tarOf(members), plainFacts())], {})
    await using started = await startRestored(restored, { owner })
    await queryRestored(started, 'select count(*) from "in space"')
  })

  test('a path too long for a socket is restored into and started', async () => {
    const target = at(join('l'.repeat(90), 'l'.repeat(90)))
    const restored = await restore(target, [setOf(tarOf(members), plainFacts())], {})
    assert.match(restored.warnings.join(), /too long for a socket/)
    {
      await using started = await startRestored(restored, { owner })
      await queryRestored(started, 'select 1')
    }
    await rm(restored.socketDirectory, { recursive: true })
  })

  test('refuses a target that is not empty, also behind a link, and touches nothing there', async () => {
    const taken = join(directory, 'taken')
    await mkdir(taken)
    await writeFile(join(taken, 'mine'), 'precious')
    await symlink(taken, join(directory, 'link-to-taken'))
    await symlink(join(directory, 'nowhere'), join(directory, 'link-to-nowhere'))
    for (const name of ['taken', 'link-to-taken', 'taken/mine', 'taken/mine/below', 'link-to-nowhere']) {
      const refused = restore(at(name), [setOf(tarOf(members), plainFacts())], {})
      await assert.rejects(refused, (e) => Fault.is(e) && ['conflict', 'engine_failed'].includes(e.code), name)
    }
    assert.deepEqual(await readdir(taken), ['mine'])
  })

  test('an empty directory behind a link is restored into', async () => {
    await mkdir(join(directory, 'empty'))
    await symlink(join(directory, 'empty'), join(directory, 'link-to-empty'))
    const restored = await restore(at('link-to-empty'), [setOf(tarOf(members), plainFacts())], {})
    assert.equal(restored.dataDirectory, join(directory, 'empty/data'))
  })

  test('refuses a relative path and one with a line break', async () => {
    for (const path of ['relative', '/tmp/a\nb']) {
      const refused = restore({ directory: path }, [setOf(tarOf(members), plainFacts())], {})
      await assert.rejects(refused, isFault('invalid'))
    }
  })

  test('refuses, before it writes, a version whose programs are not here, and names the package', async () => {
    const refused = restore(at('other'), [setOf(tarOf(members), plainFacts({ serverVersion: 140_005 }))], {})
    await assert.rejects(refused, (e) => Fault.is(e, 'unsupported') && /postgresql-14/.test(e.hint ?? ''))
    await assert.rejects(stat(join(directory, 'other')), { code: 'ENOENT' })
  })

  test('refuses, before it writes, a set of another architecture', async () => {
    const refused = restore(at('other'), [setOf(tarOf(members), plainFacts({ architecture: 's390x' }))], {})
    await assert.rejects(refused, (e) => Fault.is(e, 'unsupported') && /s390x/.test(e.message))
    await assert.rejects(stat(join(directory, 'other')), { code: 'ENOENT' })
  })

  test('refuses, before it writes, a set for which there is no room', async () => {
    const set = setOf(tarOf(members), plainFacts())
    const parts = set.manifest.parts.map((part) => ({ ...part, plainSize: 2 ** 52 }))
    const refused = restore(at('other'), [{ ...set, manifest: { ...set.manifest, parts } }], {})
    await assert.rejects(refused, isFault('target_full'))
    await assert.rejects(stat(join(directory, 'other')), { code: 'ENOENT' })
  })

  test('refuses a set that is no physical full one', async () => {
    const set = setOf(tarOf(members), plainFacts())
    const { postgres: _, ...manifest } = set.manifest
    for (const chain of [[], [set, set], [{ ...set, manifest }]]) {
      await assert.rejects(restore(at('other'), chain, {}), isFault('unsupported'))
    }
  })

  const flip = (content: Buffer) => {
    const other = Buffer.from(content)
    other[100] = (other[100] ?? 0) ^ 1
    return other
  }
  const table = () =>
    members.find(({ entry }) => /^tablespaces\/.*\/\d+$/.test(entry.name) && entry.size > 10_000)?.entry.name ?? ''
  const wal = () => members.find(({ entry }) => /pg_wal\/[0-9A-F]{24}$/.test(entry.name))?.entry.name ?? ''
  const damages: Record<string, readonly [() => readonly Member[], RegExp]> = {
    'a flipped bit in a file': [() => changed(table(), flip), /pg_tblspc\/.* has another checksum/],
    'a file cut short': [() => changed(table(), (content) => content.subarray(8192)), /has \d+ bytes instead of \d+/],
    'a missing file': [() => without(table()), /pg_tblspc\/.* is missing/],
    'a file that nobody listed': [() => [...members, fileMember('data/base/evil', Buffer.from('x'))], /1 files that/],
    'a missing WAL segment': [() => without(wal()), /WAL segment [0-9A-F]{24} is not whole/],
    'a WAL segment cut short': [() => changed(wal(), (content) => content.subarray(1)), /is not whole/],
    'a flipped bit in the manifest': [
      () => changed('data/backup_manifest', flip),
      /backup_manifest is damaged|is missing|instead of/,
    ],
    'no manifest': [() => without('data/backup_manifest'), /backup_manifest cannot be read/],
    'a missing backup_label': [() => without('data/backup_label'), /backup_label is missing/],
    'no pg_control': [() => without('data/global/pg_control'), /pg_control is missing/],
  }
  for (const [what, [make, message]] of Object.entries(damages)) {
    test(`finds ${what}, and what was written does not start`, async () => {
      const target = at(`damaged ${what}`)
      const failed = restore(target, [setOf(tarOf(make()), plainFacts())], {})
      await assert.rejects(failed, (e) => Fault.is(e, 'store_corrupt') && message.test(e.message))
      await assertStartsNot(target.directory)
      await rm(target.directory, { recursive: true })
    })
  }

  test('a cancelled restore rejects with the reason, and what was written does not start', async () => {
    const target = at('cancelled')
    const abort = new AbortController()
    const reason = new Fault('cancelled', 'restore')
    const onProgress = ({ bytes }: { bytes: number }) => bytes > 1_000_000 && abort.abort(reason)
    const failed = restore(target, [setOf(tarOf(members), plainFacts())], {}, { signal: abort.signal, onProgress })
    await assert.rejects(failed, reason)
    await assertStartsNot(target.directory)
  })

  test('progress goes up to the size of the set', async () => {
    const set = setOf(tarOf(members), plainFacts())
    const seen: { phase: string; bytes: number; totalBytes: number }[] = []
    await restore(at('progress'), [set], {}, { onProgress: (progress) => seen.push(progress) })
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

  test('a refused target keeps every byte', async () => {
    const before = await treeDigest(join(directory, 'taken'))
    await assert.rejects(restore(at('taken'), [setOf(tarOf(members), plainFacts())], {}), isFault('conflict'))
    assert.equal(await treeDigest(join(directory, 'taken')), before)
  })
})
