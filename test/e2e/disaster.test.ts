import assert from 'node:assert/strict'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { makeDirectoryFor } from '../../quickstart/account.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres } from '../lib/postgres.ts'
import { runProgram, startService } from './service.ts'
import { compare, register, take, withRestored, type ListedSet } from './sets.ts'

test('a lost machine comes back from the store alone, with keys and passwords, by the export of the day', async () => {
  await using server = await startPostgres({ version: 18 })
  await server.query('create table t as select g from generate_series(1, 1000) g')
  const kept = await makeDirectoryFor(undefined, 'holdfast-kept-', '/tmp')
  await using _kept = { [Symbol.asyncDispose]: () => rm(kept, { recursive: true, force: true }) }
  const identity = await generateX25519Identity()
  const args = ['--set', `store.url=file://${join(kept, 'store')}`]
  const exporting = [...args, '--set', `catalog.exportRecipients=${await identityToRecipient(identity)}`]
  const lost = join(kept, 'lost machine')

  const before = await (async () => {
    await using service = await startService({ args, dataDirectory: lost })
    await register(service, 'orders', [server])
    const set = await take(service, 'orders')
    const key = await service.json<{ AccessKeyId: string; AccessKeySecret: string }>('keys', 'add')
    return { set, key: { HOLDFAST_ACCESS_KEY_ID: key.AccessKeyId, HOLDFAST_ACCESS_KEY_SECRET: key.AccessKeySecret } }
  })()

  const exports = join(kept, 'store', 'catalog')
  const file = await (async () => {
    await using _service = await startService({ args: exporting, dataDirectory: lost, key: before.key })
    const found = async () => (await readdir(exports).catch(() => []))[0] ?? ''
    await eventually(async () => (await found()) !== '', 'the export of the day')
    return found()
  })()
  await rm(lost, { recursive: true })

  const identityFile = join(kept, 'identity')
  await writeFile(identityFile, `# kept elsewhere\n${identity}\n`, { mode: 0o600 })
  const dataDirectory = join(kept, 'new machine')
  const path = join(exports, file)
  const blind = await runProgram(['catalog', 'import', path, '--data-dir', dataDirectory])
  assert.equal(blind.code, 2)
  assert.match(blind.err, /--identity-file/)
  const openWith = ['--identity-file', identityFile, '--data-dir', dataDirectory]
  const imported = await runProgram(['catalog', 'import', path, ...openWith])
  assert.equal(imported.code, 0, imported.err)
  assert.match(imported.out, /^1 instances, 1 sets and \d keys imported\n$/)

  const rebuilt = await runProgram(['catalog', 'rebuild', '--data-dir', dataDirectory, ...args])
  assert.equal(rebuilt.out, '0 instances and 0 sets added, 1 sets were known\n')

  await using service = await startService({ args, dataDirectory, key: before.key })
  const [listed] = await service.json<ListedSet[]>('backups', 'list', 'orders')
  assert.equal(listed?.BackupId, before.set.BackupId)
  await withRestored(service, listed, async (started) => {
    assert.deepEqual(await compare(server, started), [])
  })
  await take(service, 'orders')
})
