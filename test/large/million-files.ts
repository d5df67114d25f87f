import assert from 'node:assert/strict'
import { mkdir, opendir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { startService } from '../e2e/service.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { queryRestored } from '../postgres/restored-server.ts'
import { measured } from './measured.ts'

/** HOLDFAST_LARGE_FILES makes it smaller. */
const FILES = Number(process.env['HOLDFAST_LARGE_FILES'] ?? 1_000_000)

/** Files beside a database's own, named as relations are; every tenth has some bytes. */
async function addFiles(server: TestServer, home: string): Promise<void> {
  await mkdir(home, { recursive: true })
  const some = Buffer.alloc(100, 'row')
  for (let n = 0; n < FILES; n += 100) {
    const batch = Array.from({ length: Math.min(100, FILES - n) }, (_, at) => n + at)
    await Promise.all(batch.map((id) => writeFile(join(home, String(id)), id % 10 === 0 ? some : '', { mode: 0o600 })))
  }
  await giveTo(home, server.account)
}

async function count(directory: string): Promise<number> {
  let files = 0
  for await (const _ of await opendir(directory)) files++
  return files
}

test(`a cluster of ${FILES} files is backed up and restored in flat memory`, async (context) => {
  await using service = await startService({ below: '/var/tmp' })
  const server = await startPostgres({ version: 15 })
  await server.query('create table t as select g from generate_series(1, 1000) g')
  await addFiles(server, join(server.dataDirectory, 'base/many'))
  const restored = await measured(service, server, context)
  assert.equal(await count(join(restored.dataDirectory, 'base/many')), FILES)
  await using started = await startRestored(restored, { owner: service.owner })
  assert.deepEqual(await queryRestored(started, 'select count(*)::int as n from t'), [{ n: 1000 }])
})
