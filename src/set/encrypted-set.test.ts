import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import { generateX25519Identity } from 'age-encryption'
import { bytes, whole } from '../../test/contract/store.ts'
import { emptyStore, manifestOf, PLACE, sampleBytes } from '../../test/lib/set.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Manifest } from '../core/manifest.ts'
import { parseIdentities, type Identity } from '../lib/age.ts'
import { PAYLOAD_NONCE, STORED_CHUNK } from '../lib/age-payload.ts'
import type { Store } from '../store/store.ts'
import { encryptionFacts } from './encryption.ts'
import { openSet, readManifest } from './read.ts'
import { tryOpen } from './try-open.ts'
import { verifySet } from './verify.ts'
import { beginSet } from './write.ts'

const newIdentity = async (): Promise<Identity> =>
  (await parseIdentities(await generateX25519Identity()))?.[0] ?? assert.fail('no identity')

const [own, vault, stranger] = await Promise.all([newIdentity(), newIdentity(), newIdentity()])
const recipients = [own.recipient, vault.recipient]
const PLAIN = sampleBytes(5_000_000)
const DATA = 'sets/pg-orders/12/7-1/data.tar.zst.age'

const is =
  (code: FaultCode, message = /./) =>
  (e: unknown) =>
    Fault.is(e, code) && message.test(e.message)

async function written(): Promise<{ store: Store; manifest: Manifest; key: string }> {
  const store = emptyStore()
  const writer = beginSet(store, PLACE, { level: 1, recipients })
  await writer.part('data', bytes(PLAIN))
  await writer.extra('backup_manifest', bytes('{}'))
  const encryption = encryptionFacts({ recipients, identities: [own] })
  const manifest: Manifest = { ...manifestOf(PLACE, writer), version: 2, ...(encryption && { encryption }) }
  return { store, manifest, key: await writer.commit(manifest) }
}

/** The set with other stored bytes, which its manifest says are the right ones: as who may write to the store can forge it. */
async function forged(
  { store, manifest }: { store: Store; manifest: Manifest },
  change: (stored: Buffer) => Uint8Array,
) {
  const stored = change(Buffer.from(await whole(await store.get(DATA))))
  await store.put(DATA, bytes(stored))
  const sha256 = createHash('sha256').update(stored).digest('hex')
  return { ...manifest, parts: manifest.parts.map((part) => ({ ...part, size: stored.length, sha256 })) }
}

suite('an encrypted set', () => {
  test('says so in its manifest, and where it lies; its extras are for everybody', async () => {
    const { store, key } = await written()
    const manifest = await readManifest(store, key)
    assert.deepEqual(manifest.encryption, {
      format: 'age',
      mode: 'held',
      recipients: [own.fingerprint, vault.fingerprint].toSorted(),
    })
    const [part] = manifest.parts
    const stored = await whole(await store.get(DATA))
    assert.deepEqual([part?.key, part?.encoding, part?.size], [DATA, 'zstd+age', stored.length])
    assert.equal(part?.sha256, createHash('sha256').update(stored).digest('hex'))
    assert.equal((await whole(openSet(store, manifest).read('backup_manifest'))).toString(), '{}')
  })

  test('is read whole, and any range of it, with the identity of any recipient', async () => {
    const { store, manifest } = await written()
    for (const identity of [own, vault]) {
      const reader = openSet(store, manifest, [stranger, identity])
      assert.ok((await whole(reader.read('data'))).equals(PLAIN))
      for (let round = 0; round < 30; round++) {
        const start = Math.floor(Math.random() * PLAIN.length)
        const end = start + Math.floor(Math.random() * (PLAIN.length - start))
        const got = await whole(reader.read('data', { start, end }))
        assert.ok(got.equals(PLAIN.subarray(start, end)), `${start} to ${end}`)
      }
    }
  })

  test('is read with no other identity, and the message names whose is needed and whose was tried', async () => {
    const { store, manifest } = await written()
    const names = `${[own.fingerprint, vault.fingerprint].toSorted().join(', ')}`
    for (const [identities, tried] of [
      [[], 'there is no identity here'],
      [[stranger], `not to ${stranger.fingerprint}`],
    ] as const) {
      const refused = is('identity_needed', new RegExp(`set 12: it is encrypted to ${names}, .*${tried}`))
      await assert.rejects(whole(openSet(store, manifest, identities).read('data')), refused)
      await assert.rejects(tryOpen(store, manifest, identities), refused)
    }
    await tryOpen(store, manifest, [vault])
  })

  test('is verified to the last byte with an identity, and as it is stored without', async () => {
    const { store, manifest } = await written()
    const size = [...manifest.parts, ...manifest.extras].reduce((sum, one) => sum + one.size, 0)
    const right = { ok: true, objects: 2, bytes: size, damage: [] }
    assert.deepEqual(await verifySet(store, manifest, { identities: [vault] }), { ...right, opened: true })
    assert.deepEqual(await verifySet(store, manifest), { ...right, opened: false })
  })

  test('with one flipped bit is found damaged, with an identity or without', async () => {
    const { store, manifest } = await written()
    const right = Buffer.from(await whole(await store.get(DATA)))
    for (const at of [0, 60, 400, right.length >> 1, right.length - 1]) {
      const wrong = Buffer.from(right)
      wrong[at] = (wrong[at] ?? 0) ^ 1
      await store.put(DATA, bytes(wrong))
      for (const identities of [[], [own]]) {
        const { ok, damage } = await verifySet(store, manifest, { identities })
        assert.equal(ok, false, `byte ${at}`)
        assert.match(damage[0] ?? '', /^part data \(sets\/.*data\.tar\.zst\.age\): /)
      }
    }
  })

  test('cut at the border of a chunk is found damaged, even if its manifest was made to fit', async () => {
    const set = await written()
    const manifest = await forged(set, (stored) => {
      const start = /\n--- \S{43}\n/.exec(stored.toString('latin1')) ?? assert.fail('no header')
      const first = start.index + start[0].length + PAYLOAD_NONCE
      return stored.subarray(0, first + 20 * STORED_CHUNK)
    })
    const refused = is('store_corrupt', /chunk 19 of its encryption was altered, or what follows it is missing/)
    await assert.rejects(whole(openSet(set.store, manifest, [own]).read('data')), refused)
    await assert.rejects(tryOpen(set.store, manifest, [own]), refused)
    assert.equal((await verifySet(set.store, manifest, { identities: [own] })).ok, false)
  })

  test('that another encrypted to the same recipients in its place is found by what it decodes to', async () => {
    const [set, other] = [await written(), emptyStore()]
    const writer = beginSet(other, PLACE, { level: 1, recipients })
    await writer.part('data', bytes(sampleBytes(3_000_000)))
    const theirs = await whole(await other.get(DATA))
    const manifest = await forged(set, () => theirs)
    await assert.rejects(whole(openSet(set.store, manifest, [own]).read('data')), is('store_corrupt', /seek table/))
  })

  test('whose manifest contradicts itself is refused', async () => {
    const { store, manifest, key } = await written()
    const { encryption: _, ...plain } = manifest
    for (const odd of [plain, { ...manifest, parts: manifest.parts.map((part) => ({ ...part, encoding: 'zstd' })) }]) {
      await store.put(key, bytes(JSON.stringify(odd)))
      await assert.rejects(readManifest(store, key), is('store_corrupt', /data is said to be/))
    }
  })
})
