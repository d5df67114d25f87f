import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { backupSet, instance, refused } from '../../test/contract/catalog/fixture.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { createSealer } from '../lib/seal.ts'
import { exportForRecipients, importForRecipient, isForRecipients } from './age-export.ts'
import type { Catalog } from './catalog.ts'
import { openCatalog } from './open.ts'

/** Written by this form's first version for the identity beside it. Every later version opens it. */
const GOLDEN = new URL('../../test/catalog/golden/export-age-v1.age', import.meta.url)
const GOLDEN_IDENTITY = new URL('../../test/catalog/golden/export-age-v1.identity', import.meta.url)

const base = await mkdtemp(join(tmpdir(), 'holdfast-age-export-'))
const opened: Catalog[] = []
after(async () => {
  for (const catalog of opened) await catalog.close()
  await rm(base, { recursive: true })
})

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
  return catalog
}

test('each of several recipients brings everything back, and nobody else', async () => {
  const from = await full()
  const [first, second, other] = await Promise.all([1, 2, 3].map(() => generateX25519Identity()))
  const recipients = await Promise.all([first, second].map((one) => identityToRecipient(one ?? '')))
  const file = await exportForRecipients(from, recipients)
  for (const text of ['the secret', 'pg-1', 'pass of']) assert.ok(!Buffer.from(file).includes(text))
  for (const identity of [first, second]) {
    const into = await empty()
    await importForRecipient(into, file, `# created: today\n\n${other}\n${identity}\n`)
    assert.deepEqual(await into.dump(), await from.dump())
    assert.equal((await into.signingKey('HF1'))?.secret, 'the secret')
  }
  const untouched = await empty()
  await refused(importForRecipient(untouched, file, other ?? ''), 'invalid')
  await refused(importForRecipient(untouched, file, '# nothing\n'), 'invalid')
  const altered = Uint8Array.from(file)
  altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
  await refused(importForRecipient(untouched, altered, first ?? ''), 'invalid')
  assert.deepEqual(await untouched.keys(), [])
})

test('what is no recipient and no identity is named as such, and an identity is never quoted', async () => {
  await refused(exportForRecipients(await empty(), ['age1nobody']), 'invalid')
  await refused(exportForRecipients(await empty(), []), 'invalid')
  const identity = 'AGE-SECRET-KEY-1WRONG'
  const into = await empty()
  await assert.rejects(importForRecipient(into, await readFile(GOLDEN), identity), (error: Error) => {
    assert.ok(!`${error.message}${error.stack}${String(error.cause)}`.includes(identity))
    return true
  })
})

test('the export that the first version wrote is opened', async () => {
  const file = await readFile(GOLDEN)
  assert.ok(isForRecipients(file))
  assert.ok(!isForRecipients(Buffer.from('holdfast catalog export\n')))
  const into = await empty()
  await importForRecipient(into, file, await readFile(GOLDEN_IDENTITY, 'utf8'))
  assert.deepEqual(await into.set('1'), backupSet(1))
  assert.equal((await into.instance('pg-1'))?.nodes[0]?.address.password, 'pass of pg-1.example')
  assert.deepEqual(await into.check(), [])
})
