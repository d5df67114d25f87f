import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { backupSet, instance, refused } from '../../test/contract/catalog/fixture.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { createSealer } from '../lib/seal.ts'
import type { Catalog } from './catalog.ts'
import { exportCatalog, importCatalog } from './export.ts'
import { openCatalog } from './open.ts'

/** Written by version 1 with the passphrase below. Every later version opens it. */
const GOLDEN = new URL('../../test/catalog/golden/export-v1.bin', import.meta.url)
const PASSPHRASE = 'correct horse bättery'

const base = await mkdtemp(join(tmpdir(), 'holdfast-export-'))
const opened: Catalog[] = []
after(async () => {
  for (const catalog of opened) await catalog.close()
  await rm(base, { recursive: true })
})

/** An empty catalog with a key of its own. */
async function empty(): Promise<Catalog> {
  const sealer = createSealer([Buffer.alloc(32, opened.length)], (message) => new Error(message))
  const url = `sqlite:${join(base, `${opened.length}.db`)}`
  const catalog = await openCatalog({ url, sealer, clock: new FakeClock('2026-01-02T03:04:05Z'), log: silentLog })
  opened.push(catalog)
  return catalog
}

async function full(): Promise<Catalog> {
  const catalog = await empty()
  await catalog.addInstance(instance('pg-1'))
  await catalog.adoptSet(backupSet(1))
  await catalog.addKey({ id: 'HF1', description: 'first', createdAt: 5 }, 'the secret')
  await catalog.addTask({ kind: 'verify', setId: '1', request: {} })
  return catalog
}

test('an export brings everything into an empty catalog with another key file', async () => {
  const from = await full()
  const file = await exportCatalog(from, PASSPHRASE)
  const into = await empty()
  // The same letters, composed otherwise.
  await importCatalog(into, file, PASSPHRASE.normalize('NFD'))
  assert.deepEqual(await into.dump(), await from.dump())
  assert.equal((await into.signingKey('HF1'))?.secret, 'the secret')
  await refused(importCatalog(into, file, PASSPHRASE), 'conflict')
  for (const text of ['the secret', 'pg-1', 'pass of']) assert.ok(!file.includes(text))
})

test('the export that version 1 wrote is opened, and its header is as documented', async () => {
  const file = await readFile(GOLDEN)
  assert.equal(file.subarray(0, 24).toString(), 'holdfast catalog export\n')
  assert.deepEqual([...file.subarray(24, 28)], [1, 17, 8, 1])
  assert.deepEqual([...file.subarray(56, 64)], [0, 0, 0, 0, 0, 0, 0, 0])
  const into = await empty()
  await importCatalog(into, file, PASSPHRASE)
  assert.deepEqual(await into.set('1'), backupSet(1, { held: true }))
  assert.equal((await into.instance('pg-1'))?.nodes[0]?.address.password, 'pass of pg-1.example')
  assert.deepEqual(await into.check(), [])
})

test('today’s header has the golden one’s form', async () => {
  const [file, golden] = [await exportCatalog(await empty(), 'x'), await readFile(GOLDEN)]
  assert.deepEqual(file.subarray(0, 28), golden.subarray(0, 28))
  assert.deepEqual(file.subarray(56, 64), golden.subarray(56, 64))
  assert.notDeepEqual(file.subarray(28, 56), golden.subarray(28, 56))
})

test('a wrong passphrase and an altered byte, in header, body or tag, are invalid and load nothing', async () => {
  const golden = await readFile(GOLDEN)
  const into = await empty()
  await refused(importCatalog(into, golden, 'wrong'), 'invalid')
  for (const at of [60, golden.length - 1]) {
    const altered = Buffer.from(golden)
    altered[at] = (altered[at] ?? 0) ^ 1
    await refused(importCatalog(into, altered, PASSPHRASE), 'invalid')
  }
  await refused(importCatalog(into, golden.subarray(0, 70), PASSPHRASE), 'invalid')
  assert.deepEqual(await into.keys(), [])
})

test('what is no export, asks for too much work, or is newer than the program is refused before any work', async () => {
  const golden = await readFile(GOLDEN)
  const into = await empty()
  const changed = (at: number, value: number) => Buffer.from(golden).fill(value, at, at + 1)
  await refused(importCatalog(into, Buffer.from('nothing'), PASSPHRASE), 'invalid')
  await refused(importCatalog(into, changed(0, 1), PASSPHRASE), 'invalid')
  await refused(importCatalog(into, changed(25, 31), PASSPHRASE), 'invalid')
  await refused(importCatalog(into, changed(24, 2), PASSPHRASE), 'too_new')
})
