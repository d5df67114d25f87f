import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { checksums, differences, type Checksum } from '../../quickstart/checksums.ts'
import { MIGRATIONS } from '../../src/catalog/migrate.ts'
import { INSTANCE_RECORD_VERSION } from '../../src/core/instance-record.ts'
import { MANIFEST_VERSION } from '../../src/core/manifest.ts'
import { STORE_VERSION } from '../../src/store/marker.ts'
import { runProgram, startService } from '../e2e/service.ts'
import { download, withRestored, type ListedSet } from '../e2e/sets.ts'

interface Expected {
  readonly key: { readonly AccessKeyId: string; readonly AccessKeySecret: string }
  readonly sets: readonly (Partial<ListedSet> & { readonly BackupId: string; readonly BackupStatus: string })[]
  readonly checksums: readonly Checksum[]
}

const fixture = (version: string) => join(import.meta.dirname, version)
const expectedOf = async (version: string) =>
  JSON.parse(await readFile(join(fixture(version), 'expected.json'), 'utf8')) as Expected

/** A data directory as the service of this version left it. */
async function dataOf(version: string): Promise<string> {
  const directory = await mkdtemp('/tmp/holdfast-upgrade-')
  for (const name of ['store', 'catalog.db', 'key']) {
    await cp(join(fixture(version), name), join(directory, name), { recursive: true })
  }
  if (existsSync(join(fixture(version), 'identity'))) await cp(join(fixture(version), 'identity'), join(directory, 'identity'))
  await chmod(join(directory, 'key'), 0o600)
  await chmod(join(directory, 'catalog.db'), 0o600)
  return directory
}

const VERSIONS = (await readdir(import.meta.dirname)).filter((name) => /^v\d+$/.test(name))

test('there is a fixture of every version of the catalog', () => {
  assert.deepEqual(VERSIONS.toSorted(), Array.from(MIGRATIONS, (_, at) => `v${at + 1}`).toSorted())
})

for (const version of VERSIONS) {
  suite(`what ${version} wrote`, () => {
    let dataDirectory: string
    beforeEach(async () => {
      dataDirectory = await dataOf(version)
    })
    afterEach(() => rm(dataDirectory, { recursive: true }))

    const serve = async () => {
      const { key } = await expectedOf(version)
      const env = { HOLDFAST_ACCESS_KEY_ID: key.AccessKeyId, HOLDFAST_ACCESS_KEY_SECRET: key.AccessKeySecret }
      const identity = join(dataDirectory, 'identity')
      if (!existsSync(identity)) return startService({ dataDirectory, key: env })
      await chmod(identity, 0o600)
      return startService({ dataDirectory, key: env, args: ['--set', `encryption.identityFile=${identity}`] })
    }

    test('is served: its key opens it, its sets are listed, downloaded, verified and restored', async () => {
      await using service = await serve()
      const { sets, checksums: expected } = await expectedOf(version)
      const listed = await service.json<ListedSet[]>('backups', 'list', 'upgrade-1')
      assert.deepEqual(
        listed.map((set, at) => Object.fromEntries(Object.keys(sets[at] ?? {}).map((name) => [name, set[name as keyof ListedSet]]))),
        sets,
      )
      const [set] = listed.filter(({ BackupStatus }) => BackupStatus === 'Success')
      assert.ok(set)
      await download(service, set)
      await service.json('backups', 'verify', set.BackupId)
      await withRestored(service, set, async ({ address }) => {
        const { host, port, user } = address
        assert.deepEqual(differences(expected, await checksums({ host, port, user, database: 'postgres' })), [])
      })
      const instances = await service.json<{ DBInstanceId: string }[]>('instances', 'list')
      assert.deepEqual(
        instances.map(({ DBInstanceId }) => DBInstanceId),
        ['upgrade-1'],
      )
    })

    test('is what a catalog is rebuilt from', async () => {
      await rm(join(dataDirectory, 'catalog.db'))
      const rebuilt = await runProgram(['catalog', 'rebuild', '--data-dir', dataDirectory, '--json'])
      assert.equal(rebuilt.code, 0, rebuilt.err)
      assert.deepEqual(JSON.parse(rebuilt.out), { instances: 2, sets: 1, known: 0, problems: [] })
    })

    test('is as a catalog must be, once it was served', async () => {
      {
        await using service = await serve()
        assert.equal(await service.stop(), 0)
      }
      const checked = await runProgram(['catalog', 'check', '--data-dir', dataDirectory, '--json'])
      assert.deepEqual(JSON.parse(checked.out), { ok: true, problems: [] })
    })
  })
}

suite('what a newer program wrote', () => {
  let dataDirectory: string
  beforeEach(async () => {
    dataDirectory = await dataOf('v1')
  })
  afterEach(() => rm(dataDirectory, { recursive: true }))

  /** Raises the version in the one file of the store whose name ends so to the first that is not known. */
  async function raise(ending: string, known: number): Promise<void> {
    const store = join(dataDirectory, 'store')
    const name = (await readdir(store, { recursive: true })).find((each) => each.endsWith(ending)) ?? ''
    const text = await readFile(join(store, name), 'utf8')
    const raised = text.replace(/^  "version": \d+,/m, `  "version": ${known + 1},`)
    assert.notEqual(raised, text)
    await writeFile(join(store, name), raised)
  }

  const refused = (err: string, what: string, ours: number) => {
    assert.match(err, new RegExp(`${what}.*version ${ours + 1}, this program knows up to ${ours}`))
    assert.match(err, /hint: Update Holdfast/)
  }

  test('is refused by a restore when it is a manifest, with both versions and a hint', async () => {
    await raise('/manifest.json', MANIFEST_VERSION)
    const [set] = (await expectedOf('v1')).sets.filter(({ BackupStatus }) => BackupStatus === 'Success')
    const to = join(dataDirectory, 'restored')
    const source = ['--store', `file://${dataDirectory}/store`, '--to', to]
    const { code, err } = await runProgram(['backups', 'restore', set?.BackupId ?? '', ...source])
    assert.equal(code, 8, err)
    refused(err, 'manifest', MANIFEST_VERSION)
  })

  test('is refused by a restore when it is a store, with both versions and a hint', async () => {
    await raise('holdfast-store.json', STORE_VERSION)
    const { code, err } = await runProgram(['backups', 'restore', '--list', '--store', `file://${dataDirectory}/store`])
    assert.equal(code, 8, err)
    refused(err, 'layout', STORE_VERSION)
  })

  test('is refused by serve when it is a store, with both versions and a hint', async () => {
    await raise('holdfast-store.json', STORE_VERSION)
    await assert.rejects(startService({ dataDirectory }), (error: Error) => {
      refused(error.message, 'layout', STORE_VERSION)
      return true
    })
  })

  test('is named by a rebuild when it is the record of an instance, with both versions', async () => {
    await rm(join(dataDirectory, 'catalog.db'))
    await raise('upgrade-1/000000000001.json', INSTANCE_RECORD_VERSION)
    const { code, err } = await runProgram(['catalog', 'rebuild', '--data-dir', dataDirectory])
    assert.notEqual(code, 0)
    assert.match(err, /record version 2, this program knows up to 1/)
  })

  test('is refused by serve when it is a catalog, with both versions and a hint, and not touched', async () => {
    const file = join(dataDirectory, 'catalog.db')
    {
      using database = new DatabaseSync(file)
      database.exec(`update about set version = ${MIGRATIONS.length + 1}`)
    }
    const before = await readFile(file)
    const { code, err } = await runProgram(['serve', '--data-dir', dataDirectory, '--port', '0', '--set', 'metrics.port=0'])
    assert.equal(code, 8, err)
    refused(err, 'catalog', MIGRATIONS.length)
    assert.ok((await readFile(file)).equals(before))
  })
})
