import assert from 'node:assert/strict'
import { access, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { startPostgres } from '../lib/postgres.ts'
import { runHoldfast, temporaryDirectory } from '../lib/service.ts'
import { startByHand } from '../postgres/restore-world.ts'
import { registerServer, type Served, served } from './served.ts'

const MARKER = 'HOLDFAST_RESTORE_INCOMPLETE'

/** Turns one bit in the middle of a stored object. */
async function flipBit(file: string): Promise<void> {
  await using handle = await open(file, 'r+')
  const { size } = await handle.stat()
  const at = Math.floor(size / 2)
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at)
  await handle.write(Buffer.from([(buffer[0] ?? 0) ^ 4]), 0, 1, at)
}

suite('a bit that turned in a stored object', () => {
  const stack = new AsyncDisposableStack()
  let service: Served
  let [store, roots, setId, file] = ['', '', '', '']
  const owner = databaseAccount()

  before(async () => {
    const postgres = stack.use(await startPostgres({ version: 15 }))
    await postgres.query('create table t as select g, md5(g::text) from generate_series(1, 20000) g')
    const directory = stack.use(await temporaryDirectory()).path
    roots = await makeDirectoryFor(await owner, 'holdfast-damage-', '/tmp')
    stack.defer(() => rm(roots, { recursive: true, force: true }))
    store = join(directory, 'store')
    const name = (await owner)?.name
    const as = name === undefined ? [] : ['--set', `restore.owner=${name}`]
    service = stack.use(await served({ directory, args: ['--set', `restore.roots=${roots}`, ...as] }))
    await registerServer(service, 'pg-1', postgres.address, directory)
    const taken = await service.run('backups', 'take', 'pg-1')
    assert.equal(taken.code, 0, taken.err)
    setId = (await service.list('pg-1'))[0]?.BackupId ?? ''
    const names = await readdir(store, { recursive: true })
    file = names.find((each) => each.endsWith('data.tar.zst')) ?? ''
    await flipBit(join(store, file))
  })
  after(() => stack.disposeAsync())

  /** A target that a restore gave up on has its marker, and no server starts there. */
  async function assertUnstartable(target: string): Promise<void> {
    await access(join(target, MARKER))
    await assert.rejects(
      startByHand(join(target, 'data'), await owner),
      /is not a valid data directory|could not|does not exist/,
    )
  }

  test('is found by a restore, which names the part and leaves a target that does not start', async () => {
    const to = join(roots, 'by-service')
    const { code, err } = await service.run('backups', 'restore', setId, '--to', to)
    assert.equal(code, 13)
    assert.match(err, /part data of set/)
    await assertUnstartable(to)
  })

  test('is found by a restore from the store alone', async () => {
    const to = join(roots, 'by-hand')
    await mkdir(to)
    await giveTo(to, await owner)
    const as = (await owner) ? ['--owner', (await owner)?.name ?? ''] : []
    const { code, err } = await runHoldfast([
      'backups',
      'restore',
      '--store',
      `file://${store}`,
      setId,
      '--to',
      to,
      ...as,
    ])
    assert.equal(code, 11, err)
    assert.match(err, /part data of set/)
    await assertUnstartable(to)
  })

  test('is found by a check, which names the part; afterwards the set is shown as not whole', async () => {
    const { code, err } = await service.run('backups', 'verify', setId)
    assert.equal(code, 19)
    assert.ok(err.includes(`part data (${file})`), err)
    const [set] = await service.list('pg-1')
    assert.equal(set?.BackupStatus, 'Success')
    assert.equal(set.IsAvail, 0)
    assert.ok(set.FailReason.includes(`part data (${file})`))
    await service.assertLives()
  })
})
