import assert from 'node:assert/strict'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startPostgres } from '../lib/postgres.ts'
import { makeDirectoryFor } from '../../quickstart/account.ts'
import { type E2eService, runProgram, startService } from './service.ts'
import { proveRoundTrip, register, take, withRestored } from './sets.ts'

interface Shown {
  readonly Nodes: { readonly Node: readonly { readonly HostInstanceID: string; readonly User: string }[] }
}

const shown = (service: E2eService, id: string) => service.json<Shown>('instances', 'show', id)

test('on an empty machine the store gives catalog, sets and nodes back, and login gives a node its password again', async () => {
  await using server = await startPostgres({ version: 18 })
  await server.query('create table t as select g from generate_series(1, 1000) g')
  const kept = await makeDirectoryFor(undefined, 'holdfast-kept-', '/tmp')
  await using _kept = { [Symbol.asyncDispose]: () => rm(kept, { recursive: true, force: true }) }
  const storeDirectory = join(kept, 'store')

  const before = await (async () => {
    await using service = await startService({ storeDirectory })
    await register(service, 'orders', [server])
    const set = await take(service, 'orders')
    assert.equal((await fetch(set.BackupDownloadURL, { method: 'HEAD' })).status, 200)
    await copyFile(join(service.dataDirectory, 'key'), join(kept, 'key'))
    return { set, nodes: (await shown(service, 'orders')).Nodes.Node }
  })()

  const dataDirectory = join(kept, 'empty machine')
  const store = ['--set', `store.url=file://${storeDirectory}`]
  await mkdir(dataDirectory)
  await copyFile(join(kept, 'key'), join(dataDirectory, 'key'))
  const rebuilt = await runProgram(['catalog', 'rebuild', '--data-dir', dataDirectory, ...store])
  assert.equal(rebuilt.code, 0, rebuilt.err)
  assert.equal(rebuilt.out, '1 instances and 1 sets added, 0 sets were known\n')
  assert.match(
    rebuilt.err,
    /holdfast keys add --local .*\n.*instances show INSTANCE.*\n.*instances nodes login INSTANCE NODE/,
  )

  await using service = await startService({ storeDirectory, dataDirectory, args: ['--set', 'worker.retrySeconds=1'] })
  assert.deepEqual((await shown(service, 'orders')).Nodes.Node, before.nodes)
  const [listed] = await service.json<(typeof before.set)[]>('backups', 'list', 'orders')
  assert.equal(listed?.BackupId, before.set.BackupId)
  await withRestored(service, listed, async () => {})
  // No store tells which links were revoked: after a rebuild all that were made before are.
  const { pathname, search } = new URL(before.set.BackupDownloadURL)
  assert.equal((await fetch(service.url + pathname + search, { method: 'HEAD' })).status, 403)
  assert.equal((await fetch(listed.BackupDownloadURL, { method: 'HEAD' })).status, 200)

  const { host, port, password = '' } = server.address
  const refused = await service.run('backups', 'take', 'orders')
  assert.notEqual(refused.code, 0)
  assert.ok(refused.err.includes(`the password of node ${host}:${port} is missing`), refused.err)
  assert.ok(refused.err.includes('holdfast instances nodes login INSTANCE NODE'), refused.err)

  const file = join(kept, 'password')
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  const login = await service.run('instances', 'nodes', 'login', 'orders', `${host}:${port}`, '--password-file', file)
  assert.equal(login.code, 0, login.err)
  assert.ok(!`${login.out}${login.err}`.includes(password))
  await proveRoundTrip(service, 'orders', server)
  assert.equal((await service.json<unknown[]>('backups', 'list', 'orders')).length >= 2, true)
})
