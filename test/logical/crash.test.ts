import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startService } from '../e2e/service.ts'
import { register, type ListedSet } from '../e2e/sets.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres } from '../lib/postgres.ts'

const DUMPS = `select pid from pg_stat_activity where application_name = 'holdfast' and wait_event_type = 'Lock'`
const SESSIONS = `select pid from pg_stat_activity where application_name = 'holdfast'`

test('a worker that is killed in the middle of a dump leaves no set, no session and no garbage, and the next one takes it', async () => {
  const args = ['worker.leaseSeconds=5', 'worker.pollSeconds=1', 'scheduler.sweepSeconds=2']
  await using service = await startService({ args: args.flatMap((setting) => ['--set', setting]) })
  await using server = await startPostgres({ version: 15 })
  await server.query('create table plain as select generate_series(1, 100000) as g')
  await register(service, 'crashing', [server])
  const holder = await server.connect()
  await holder.query('begin; lock table plain in access exclusive mode')
  await service.json('backups', 'take', 'crashing', '--method', 'logical', '--no-wait')
  await eventually(async () => (await server.query(DUMPS)).length > 0, 'pg_dump waits for the table')
  process.kill(await service.workerPid(), 'SIGKILL')
  const listed = () => service.json<ListedSet[]>('backups', 'list', 'crashing')
  assert.deepEqual(await listed(), [])
  await holder.query('rollback')
  await holder.end()
  await eventually(async () => (await listed()).length > 0, 'another attempt took it', 60)
  assert.deepEqual(
    (await listed()).map(({ BackupStatus }) => BackupStatus),
    ['Success'],
  )
  await eventually(async () => (await server.query(SESSIONS)).length === 0, 'no session is left')
  const [set] = await listed()
  await service.json('backups', 'verify', set?.BackupId ?? '')
  const home = join(service.storeDirectory, 'sets/crashing', set?.BackupId ?? '')
  await eventually(async () => (await readdir(home)).length === 1, 'the sweep removed the dead attempt', 60)
})
