import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '../../src/lib/clock.ts'
import { manifestKeyOf } from '../../src/set/layout.ts'
import { openDownload } from '../../src/set/download.ts'
import type { NodeAddress } from '../../src/core/instance.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { whole } from '../contract/store.ts'
import { fillRichly } from '../e2e/rich-source.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { PLACE } from '../lib/set.ts'
import { compareServers, databasesOf, takeLogical, type TakenSet } from './world.ts'

const run = promisify(execFile)
const page = await readFile(new URL('../../docs/format.md', import.meta.url), 'utf8')
const steps = [...page.matchAll(/^```sh logical=(\d)\n([\s\S]*?)^```$/gm)].map(([, number, script = '']) => ({
  number,
  script,
}))

suite('docs/format.md on logical sets', () => {
  let source: TestServer
  let directory: string
  let set: TakenSet
  before(async () => {
    directory = await mkdtemp('/tmp/holdfast-logical-page-')
    source = await startPostgres({ version: 15 })
    await fillRichly(source)
    await source.query('truncate passing')
    // Tablespaces lie in directories of the source's own, which another server on the same machine cannot take.
    await source.query(
      'alter table "in ""space" set tablespace pg_default; alter index "far index" set tablespace pg_default',
    )
    await source.query('alter table "S c"."Tâble ""x""; drop" set tablespace pg_default', `Ödd 'db' $1;\\`)
    await source.query('drop tablespace "Odd ""space"""')
    await source.query('drop tablespace "far away"')
    const store = await openStore(pathToFileURL(join(directory, 'store')).href, systemClock)
    set = await takeLogical(source.address, {}, store)
  })
  after(async () => {
    await source[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })

  async function follow(target: TestServer, from: string): Promise<void> {
    const { host, port, user, password = '' } = target.address
    const env = {
      PATH: process.env['PATH'],
      SET: from,
      BIN: '/usr/lib/postgresql/15/bin',
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user,
      PGPASSWORD: password,
    }
    await run('/bin/sh', ['-c', steps.map(({ script }) => script).join('\n')], { env })
  }

  /** The set brings the source's password of the role that restores: for the time of `work` it is the target's. */
  async function withPasswordOf(target: TestServer, work: (address: NodeAddress) => Promise<void>): Promise<void> {
    const sql = `select rolpassword as hash from pg_authid where rolname = 'postgres'`
    const [theirs] = await target.query<{ hash: string }>(sql)
    const [ours] = await source.query<{ hash: string }>(sql)
    const client = await source.connect()
    try {
      await client.query(`alter role postgres password '${theirs?.hash}'`)
      await work({ ...source.address, password: target.address.password })
    } finally {
      await client.query(`alter role postgres password '${ours?.hash}'`)
      await client.end()
    }
  }

  test('numbers its steps from 1 to 3', () => {
    assert.deepEqual(
      steps.map(({ number }) => number),
      ['1', '2', '3'],
    )
  })

  for (const from of ['the store', 'the download']) {
    test(`restores a set from ${from}, followed to the letter, with every row of every database`, async () => {
      await using target = await startPostgres({ version: 15 })
      const home = join(directory, from)
      const store = await openStore(pathToFileURL(home).href, systemClock)
      await withPasswordOf(target, async (address) => {
        const taken = await takeLogical(address, {}, store)
        const stored = join(home, dirname(manifestKeyOf(PLACE)))
        await follow(target, from === 'the store' ? stored : await unpacked(store, taken))
      })
      assert.deepEqual(await compareServers(source, target), [])
      assert.deepEqual(await databasesOf(target), await databasesOf(source))
    })
  }

  /** The download of a set, taken apart by tar. */
  async function unpacked(store: Store, { manifest }: TakenSet): Promise<string> {
    const download = await openDownload(store, manifest)
    const file = join(directory, download.fileName)
    await writeFile(file, await whole(await download.read()))
    await run('tar', ['-xf', file, '-C', directory])
    return file.replace(/\.tar$/, '')
  }

  test('stops at the first step when a byte of a part is another', async () => {
    await using target = await startPostgres({ version: 15 })
    const [part] = set.manifest.parts.filter(({ name }) => name === 'db/postgres')
    const path = join(directory, 'store', part?.key ?? '')
    const bytes = await readFile(path)
    bytes[5000] = (bytes[5000] ?? 0) ^ 1
    await writeFile(path, bytes)
    await assert.rejects(follow(target, dirname(path)))
    assert.deepEqual(await databasesOf(target), ['postgres'])
  })
})
