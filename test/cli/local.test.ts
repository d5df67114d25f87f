import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openCatalog } from '../../src/catalog/open.ts'
import type { Parts } from '../../src/cli/parts.ts'
import type { Config } from '../../src/config/config.ts'
import { DEFAULT_SETTINGS } from '../../src/core/instance.ts'
import { fakeEngine } from '../../src/engine/fake/fake.ts'
import { FakeClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openKeyFile } from '../../src/lib/seal.ts'
import { writeInstanceRecord } from '../../src/set/instance-record.ts'
import { openStore } from '../../src/store/open.ts'
import { doTask } from '../../src/worker/do-task.ts'
import { runCli } from '../lib/run-cli.ts'

const clock = new FakeClock('2026-01-02T03:04:05Z')
const CONTENT = new Uint8Array(200_000).fill(66)
const engine = fakeEngine({ clock, servers: { p: { role: 'primary', systemIdentifier: '7', content: CONTENT } } })

const openConfigured = async ({ catalog, keyFile }: Config, { migrate }: { migrate: boolean }) =>
  openCatalog({
    url: catalog.url,
    migrate,
    sealer: await openKeyFile(keyFile, (message) => new Error(message)),
    clock,
    log: silentLog,
  })

const real: Partial<Parts> = {
  clock,
  openCatalog: openConfigured,
  openStore: (url, options) => openStore(url, clock, options),
  openEngine: async () => engine,
}

/** A data directory with one instance and one Success set. */
async function dataDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-local-'))
  const data = join(path, 'data')
  const store = await openStore(`file://${join(data, 'store')}`, clock)
  const catalog = await openCatalog({
    url: `sqlite:${join(data, 'catalog.db')}`,
    sealer: await openKeyFile(join(data, 'key'), (message) => new Error(message)),
    clock,
    log: silentLog,
  })
  const instance = await catalog.addInstance({
    id: 'pgm-1',
    engine: 'postgres',
    engineVersion: '15.0',
    description: 'orders',
    settings: DEFAULT_SETTINGS,
    systemIdentifier: '7',
    createdAt: clock.now(),
    nodes: [
      { role: 'primary', address: { host: 'p', port: 1, user: 'u', password: 'database-pw', sslMode: 'disable' } },
    ],
  })
  await writeInstanceRecord(store, instance)
  await catalog.addTask({
    kind: 'take-backup',
    instanceId: 'pgm-1',
    request: { mode: 'Manual', type: 'FullBackup', method: 'Physical' },
  })
  const task = await catalog.claimTask('w', ['take-backup'], 60_000)
  assert.ok(task)
  const settings = {
    leaseSeconds: 60,
    pollSeconds: 5,
    concurrency: 1,
    attempts: 3,
    retrySeconds: 1,
    stopSeconds: 1,
    compressionLevel: 1,
  }
  const deps = {
    catalog,
    store,
    engineOf: () => engine,
    clock,
    log: silentLog,
    name: 'w',
    settings,
    restore: { roots: [], binDirs: [] },
    scratch: join(path, 'drills'),
  }
  await doTask(task, deps, new AbortController().signal)
  await catalog.close()
  return {
    path,
    data,
    setId: task.setId ?? '',
    run: (argv: readonly string[], stdin = '') => runCli(argv, {}, { ...real, stdin }),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

test('keys add --local prints the secret once, and makes the data directory when there is none', async () => {
  await using world = await dataDirectory()
  const fresh = join(world.path, 'fresh')
  const { code, out, err } = await world.run(['keys', 'add', '--local', '--json', '-d', fresh, '--description', 'ci'])
  assert.equal(code, 0, err)
  const key = JSON.parse(out) as { AccessKeyId: string; AccessKeySecret: string }
  assert.match(key.AccessKeyId, /^HF[A-Za-z0-9]{22}$/)
  assert.match(key.AccessKeySecret, /^[A-Za-z0-9]{40}$/)
  const bytes = await readFile(join(fresh, 'catalog.db'))
  assert.ok(!bytes.includes(key.AccessKeySecret))
})

test('a lost catalog is rebuilt from the store: instances and sets with their ids', async () => {
  await using world = await dataDirectory()
  for (const name of await readdir(world.data)) {
    if (name.startsWith('catalog.db') || name === 'key') await rm(join(world.data, name))
  }
  const { code, out, err } = await world.run(['catalog', 'rebuild', '--json', '-d', world.data])
  assert.equal(code, 0, err)
  assert.deepEqual(JSON.parse(out), { instances: 1, sets: 1, known: 0, problems: [] })
  const again = await world.run(['catalog', 'rebuild', '-d', world.data])
  assert.match(again.out, /^0 instances and 0 sets added, 1 sets were known\n$/)
  assert.equal((await world.run(['catalog', 'check', '-d', world.data])).code, 0)
  const audit = (await world.run(['audit', 'export', '-d', world.data])).out.trim().split('\n')
  const noted = audit.map((line) => JSON.parse(line) as { origin: string; action: string })
  assert.deepEqual(
    noted.map(({ origin, action }) => [origin, action]),
    Array.from({ length: 2 }, () => ['local', 'catalog rebuild']),
  )
})

test('a set whose instance has no record is rebuilt with it', async () => {
  await using world = await dataDirectory()
  for (const name of await readdir(world.data)) if (name.startsWith('catalog.db')) await rm(join(world.data, name))
  await rm(join(world.data, 'store/instances'), { recursive: true })
  const { out } = await world.run(['catalog', 'rebuild', '--json', '-d', world.data])
  assert.partialDeepStrictEqual(JSON.parse(out), { instances: 1, sets: 1 })
})

test('a rebuild goes past a manifest that cannot be read, names it, and exits with 11', async () => {
  await using world = await dataDirectory()
  const files = await readdir(join(world.data, 'store/sets'), { recursive: true })
  const manifest = files.find((file) => file.endsWith('manifest.json')) ?? ''
  await writeFile(join(world.data, 'store/sets', manifest), 'no manifest')
  const { code, err } = await world.run(['catalog', 'rebuild', '-d', world.data])
  assert.equal(code, 11)
  assert.ok(err.includes(manifest), err)
})

test('an exported catalog is one encrypted file, and an import of it gives everything back', async () => {
  await using world = await dataDirectory()
  const file = join(world.path, 'export')
  await world.run(['keys', 'add', '--local', '-d', world.data])
  const made = await world.run(
    ['catalog', 'export', file, '-d', world.data, '--passphrase-file', '-'],
    'correct horse\n',
  )
  assert.equal(made.code, 0, made.err)
  const text = await readFile(file, 'utf8')
  for (const word of ['database-pw', 'pgm-1', 'correct horse']) assert.ok(!text.includes(word), word)
  assert.equal((await stat(file)).mode & 0o777, 0o600)

  const other = join(world.path, 'other')
  const wrong = await world.run(['catalog', 'import', file, '-d', other, '--passphrase-file', '-'], 'wrong\n')
  assert.equal(wrong.code, 2)
  assert.match(wrong.err, /hint: /)
  const got = await world.run(['catalog', 'import', file, '-d', other, '--passphrase-file', '-'], 'correct horse\n')
  assert.equal(got.code, 0, got.err)
  assert.match(got.out, /^1 instances, 1 sets and 1 keys imported\n$/)
  const twice = await world.run(['catalog', 'import', file, '-d', other, '--passphrase-file', '-'], 'correct horse\n')
  assert.equal(twice.code, 5)
})

test('a set is restored from the store alone: listed, found by its id, and told how to start', async () => {
  await using world = await dataDirectory()
  const store = `file://${join(world.data, 'store')}`
  const { out: listed } = await world.run(['backups', 'restore', '--store', store, '--list', '--utc'])
  assert.match(listed, new RegExp(`${world.setId} +pgm-1 +2026-01-02T03:04:05Z`))
  const to = join(world.path, 'back')
  const { code, out, err } = await world.run(['backups', 'restore', '--store', store, world.setId, '--to', to])
  assert.equal(code, 0, err)
  assert.ok((await readFile(join(to, 'content'))).equals(Buffer.from(CONTENT)))
  assert.match(out, new RegExp(`start it with +true ${to}\n`))
})

test('a set that is not in the store, or a store that is none, says so and makes nothing', async () => {
  await using world = await dataDirectory()
  const to = join(world.path, 'back')
  const store = `file://${join(world.data, 'store')}`
  assert.equal((await world.run(['backups', 'restore', '--store', store, '1', '--to', to])).code, 4)
  const none = join(world.path, 'none')
  assert.notEqual(
    (await world.run(['backups', 'restore', '--store', `file://${none}`, world.setId, '--to', to])).code,
    0,
  )
  await assert.rejects(stat(none))
  await assert.rejects(stat(to))
})

test('config check tells every problem and exits with 2, or what the configuration comes to', async () => {
  const bad = await runCli(['config', 'check', '--set', 'api.port=x', '--set', 'nope=1'])
  assert.equal(bad.code, 2)
  assert.match(bad.out, /^nope: no such setting/m)
  assert.match(bad.out, /^api\.port: must be a whole number/m)
  const good = await runCli(['config', 'check', '-d', '/srv/holdfast'])
  assert.equal(good.code, 0)
  assert.match(good.out, /^catalog +sqlite:\/srv\/holdfast\/catalog\.db$/m)
})

test('config sample prints a file that config check accepts', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-sample-'))
  const { out } = await runCli(['config', 'sample'])
  await writeFile(join(directory, 'c.yaml'), out)
  assert.equal((await runCli(['config', 'check', '-c', join(directory, 'c.yaml')])).code, 0)
  await rm(directory, { recursive: true })
})

for (const command of [['check'], ['export', 'FILE', '--passphrase-file', '-']]) {
  test(`catalog ${command[0]} of a directory without a catalog says so, and makes nothing`, async () => {
    await using world = await dataDirectory()
    const none = join(world.path, 'none')
    const words = command.map((word) => (word === 'FILE' ? join(world.path, 'file') : word))
    const got = await world.run(['catalog', ...words, '-d', none], 'correct horse\n')
    assert.equal(got.code, 4)
    assert.match(got.err, /there is no .*none\/catalog\.db/)
    await assert.rejects(stat(none))
    await assert.rejects(stat(join(world.path, 'file')))
  })
}

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string
  }
  const run = await runCli(['--version'], {})
  assert.deepEqual([run.code, run.out], [0, `${version}\n`])
})
