import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chown, cp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { databaseAccount, makeDirectoryFor, runAs, type Account } from '../../quickstart/account.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { beginSet } from '../../src/set/write.ts'
import { MARKER, STORE_VERSION } from '../../src/store/marker.ts'
import { openStore } from '../../src/store/open.ts'
import { bytes } from '../contract/store.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { makeKey, type KeyPair } from '../encryption/keys.ts'
import { startPostgres } from '../lib/postgres.ts'
import { manifestOf, PLACE } from '../lib/set.ts'
import { takeMembers, tarOf } from '../postgres/base-backup-set.ts'

const run = promisify(execFile)
const page = await readFile(new URL('../../docs/format.md', import.meta.url), 'utf8')

/** The commands of docs/format.md, in their order. */
const stepsOf = (kind: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`sh ${kind}=(\\d)\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, number, script = '']) => ({
      number,
      script,
    }),
  )
const steps = stepsOf('step')
/** Of an encrypted set: what opens it stands for the first two. */
const stepsOpening = [...stepsOf('age').slice(0, 1), ...steps.slice(2)]

const SUM = `select (select md5(string_agg(p::text, ',' order by g)) from plain p) as plain,
  (select md5(string_agg(p::text, ',' order by g)) from "in space" p) as spaced`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

suite('docs/format.md', () => {
  let account: Account | undefined
  let directory: string
  let expected: unknown
  let key: string
  let encrypted: string
  let identity: KeyPair

  before(async () => {
    account = await databaseAccount()
    directory = await makeDirectoryFor(account, 'holdfast-page-', '/tmp')
    await using server = await startPostgres({
      version: 15,
      tablespaces: ['outer'],
      settings: { archive_mode: 'on', archive_command: 'exit 1' },
    })
    await server.query('create table plain as select g, md5(g::text) from generate_series(1, 20000) g')
    await server.query('create table "in space" tablespace "outer" as select * from plain')
    expected = await server.query(SUM)
    const store = await openStore(pathToFileURL(join(directory, 'store')).href, systemClock)
    const tar = tarOf(await takeMembers(server))
    const writer = beginSet(store, PLACE, { level: 3 })
    await writer.part('data', bytes(tar))
    key = dirname(await writer.commit(manifestOf(PLACE, writer)))
    identity = await makeKey(directory, 'identity')
    const place = { ...PLACE, setId: '13' }
    const sealing = beginSet(store, place, { level: 3, recipients: [identity.recipient] })
    await sealing.part('data', bytes(tar))
    const encryption = { format: 'age' as const, mode: 'escrow' as const, recipients: [identity.fingerprint] }
    encrypted = dirname(await sealing.commit({ ...manifestOf(place, sealing), version: 2, encryption }))
    await giveTo(directory, account)
  })
  after(() => rm(directory, { recursive: true, force: true }))

  /** Runs the page's steps, one shell from the first to the last, and gives what it said. */
  async function follow(target: string, set: string, port: number, these = steps): Promise<string> {
    const env = {
      PATH: process.env['PATH'],
      SET: set,
      TARGET: target,
      BIN: '/usr/lib/postgresql/15/bin',
      PORT: String(port),
      IDENTITY: identity.file,
    }
    const script = these.map((step) => step.script).join('\n')
    const { stdout } = await run('/bin/sh', ['-c', script], { cwd: '/', env, ...runAs(account) })
    return stdout
  }

  const stop = (target: string) =>
    run('/usr/lib/postgresql/15/bin/pg_ctl', ['-D', join(target, 'data'), '-m', 'immediate', 'stop'], {
      cwd: '/',
      ...runAs(account),
    })

  async function ask(target: string, port: number, sql: string): Promise<string> {
    const args = ['-h', target, '-p', String(port), '-U', 'postgres', '-d', 'postgres', '-At', '-F', '|', '-c', sql]
    return (await run('/usr/lib/postgresql/15/bin/psql', args, { cwd: '/', ...runAs(account) })).stdout.trim()
  }

  test('numbers its steps from 1 to 6', () => {
    assert.deepEqual(
      steps.map((step) => step.number),
      ['1', '2', '3', '4', '5', '6'],
    )
  })

  test('restores a set from a store, followed to the letter, with every row and inside its target', async () => {
    const [target, port] = [join(directory, 'restored'), await freePort()]
    try {
      assert.match(await follow(target, join(directory, 'store', key, 'data.tar.zst'), port), /^ f +\|/m)
      const [plain, spaced] = (await ask(target, port, SUM)).split('|')
      assert.deepEqual([{ plain, spaced }], expected)
      const places = await ask(target, port, 'select pg_tablespace_location(oid) from pg_tablespace where oid > 16000')
      assert.match(places, new RegExp(`^${target}/tablespaces/\\d+$`))
      assert.equal(await ask(target, port, 'show archive_mode'), 'off')
    } finally {
      await stop(target)
    }
  })

  test('restores an encrypted set by the step that opens it, and leaves nothing of one that is cut off', async () => {
    const [target, port] = [join(directory, 'from-encrypted'), await freePort()]
    const file = join(directory, 'store', encrypted, 'data.tar.zst.age')
    try {
      await follow(target, file, port, stepsOpening)
      const [plain, spaced] = (await ask(target, port, SUM)).split('|')
      assert.deepEqual([{ plain, spaced }], expected)
    } finally {
      await stop(target)
    }
    const [cut, never] = [join(directory, 'cut.tar.zst.age'), join(directory, 'never-opened')]
    const stored = await readFile(file)
    await writeFile(cut, stored.subarray(0, stored.length - 1000))
    if (account) await chown(cut, account.uid, account.gid)
    await assert.rejects(follow(never, cut, 1, stepsOpening), /age: error/)
    await assert.rejects(stat(never), { code: 'ENOENT' })
  })

  test('restores a download, which has no manifest beside it', async () => {
    const [target, port] = [join(directory, 'from-download'), await freePort()]
    const file = join(directory, 'pg-orders_20260102030405_12.tar.zst')
    await cp(join(directory, 'store', key, 'data.tar.zst'), file)
    if (account) await chown(file, account.uid, account.gid)
    try {
      await follow(target, file, port)
      assert.equal(await ask(target, port, 'select count(*) from plain'), '20000')
    } finally {
      await stop(target)
    }
  })

  test('stops at the first step when a byte of the set is another, or is not that of the manifest', async () => {
    const copy = join(directory, 'copy')
    const [data, manifest] = [join(copy, 'data.tar.zst'), join(copy, 'manifest.json')]
    const change = {
      'a flipped bit': async () =>
        writeFile(
          data,
          (await readFile(data)).map((byte, at) => (at === 5000 ? byte ^ 1 : byte)),
        ),
      'another manifest': async () =>
        writeFile(manifest, (await readFile(manifest, 'utf8')).replaceAll(/"sha256": "..../g, '"sha256": "0000')),
    }
    for (const [what, make] of Object.entries(change)) {
      await cp(join(directory, 'store', key), copy, { recursive: true })
      await make()
      await giveTo(copy, account)
      const target = join(directory, 'never')
      await assert.rejects(follow(target, data, 1), what)
      await assert.rejects(stat(target), { code: 'ENOENT' }, what)
      await rm(copy, { recursive: true })
    }
  })

  test('shows the marker that the program writes', () => {
    const [, json = ''] = /### `holdfast-store.json`\n\n```json\n([\s\S]*?)```/.exec(page) ?? []
    const { format, version } = JSON.parse(json) as { format: string; version: number }
    assert.deepEqual([format, version, MARKER], ['holdfast-store', STORE_VERSION, 'holdfast-store.json'])
  })
})
