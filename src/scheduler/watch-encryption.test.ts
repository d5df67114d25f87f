import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { generateX25519Identity } from 'age-encryption'
import { bytes } from '../../test/contract/store.ts'
import { manifestOf, PLACE } from '../../test/lib/set.ts'
import type { BackupSet } from '../core/backup-set.ts'
import { Fault } from '../core/fault.ts'
import type { Manifest } from '../core/manifest.ts'
import { setOfManifest } from '../core/set-of-manifest.ts'
import type { Standing } from '../core/conditions.ts'
import { parseIdentities, type Identity } from '../lib/age.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { encryptionFacts } from '../set/encryption.ts'
import { makeChallenges, noteProven, proveAnswer, readProofs, requireProven } from '../set/proofs.ts'
import { beginSet } from '../set/write.ts'
import { faultyStore } from '../store/faulty.ts'
import { memStore } from '../store/mem.ts'
import type { Store } from '../store/store.ts'
import { look } from './look.ts'
import { watchEncryption } from './watch-encryption.ts'

const DAY = 86_400_000
const newIdentity = async (): Promise<Identity> =>
  (await parseIdentities(await generateX25519Identity()))?.[0] ?? assert.fail('no identity')
const [own, vault, stranger] = await Promise.all([newIdentity(), newIdentity(), newIdentity()])
const recipients = [own.recipient, vault.recipient]

suite('what encrypted sets are opened by', () => {
  let [clock, store] = [new FakeClock('2026-01-02T03:04:05Z'), memStore(new FakeClock('2026-01-02T03:04:05Z'))]
  let newest: BackupSet | undefined

  beforeEach(async () => {
    clock = new FakeClock('2026-01-02T03:04:05Z')
    store = memStore(clock)
    newest = undefined
  })

  const settings = { checkSeconds: 3600, proofDays: 180 }
  const catalog = {
    standings: async () => [{ instanceId: PLACE.instanceId } as Standing],
    sets: async () => ({ items: newest ? [newest] : [], total: newest ? 1 : 0 }),
  }
  const watch = (identities: readonly Identity[], { on = store as Store, to = recipients } = {}) =>
    watchEncryption({ catalog, store: on, clock, encryption: { recipients: to, identities }, settings })

  async function take(to: readonly string[] = recipients): Promise<void> {
    const writer = beginSet(store, PLACE, { level: 1, recipients: to })
    await writer.part('data', bytes('some rows'))
    const encryption = encryptionFacts({ recipients: to, identities: [] })
    const manifest: Manifest = { ...manifestOf(PLACE, writer), version: 2, ...(encryption && { encryption }) }
    newest = setOfManifest(manifest, await writer.commit(manifest), { size: 1, checksum: () => undefined })
  }

  test('is of no interest where nothing is encrypted', async () => {
    assert.deepEqual(await watch([], { to: [] })(), [])
  })

  test('is wrong until somebody has shown that he has an identity, also where the service has one', async () => {
    for (const identities of [[], [own]]) {
      const [found, ...others] = await watch(identities)()
      assert.deepEqual([found?.kind, found?.subject, others], ['identity-check', 'encryption', []])
      assert.match(found?.what ?? '', /nobody has ever shown/)
      assert.match(found?.hint ?? '', /encryption challenge DIR/)
    }
    await noteProven(store, [vault.fingerprint], clock.now())
    for (const identities of [[], [own]]) assert.deepEqual(await watch(identities)(), [])
  })

  test('is wrong in escrow when that was too long ago; a service with an identity proves itself', async () => {
    await noteProven(store, [own.fingerprint], clock.now())
    clock.advance(180 * DAY + 1)
    const [found] = await watch([])()
    assert.match(found?.what ?? '', /nobody has shown since 2026-01-02T03:04:05Z/)
    assert.deepEqual(await watch([own])(), [])
    await noteProven(store, [vault.fingerprint], clock.now())
    assert.deepEqual(await watch([])(), [])
  })

  test('is tried on the newest set of each instance, again and again while it fails, and else now and then', async () => {
    await noteProven(store, [own.fingerprint], clock.now())
    await take()
    const trying = watch([own])
    assert.deepEqual(await trying(), [])
    await take([stranger.recipient, vault.recipient])
    assert.deepEqual(await trying(), [], 'not tried before its time')
    clock.advance(3_600_000)
    const [found] = await trying()
    assert.deepEqual([found?.kind, found?.subject, found?.instanceId], ['identity-check', 'pg-orders', 'pg-orders'])
    assert.match(found?.what ?? '', new RegExp(`newest set 12 .*not to ${own.fingerprint}`))
    await take()
    assert.deepEqual(await trying(), [], 'tried again at once, since it had failed')
  })

  test('is not known while the store does not answer: then alerts stay as they are', async () => {
    const dead = faultyStore(store, [{ method: 'list', call: 1, how: 'fail' }])
    const { conditions, unknown } = await look({
      catalog: { standings: async () => [], damagedSets: async () => [], keys: async () => [] },
      store: {},
      clock,
      log: silentLog,
      watchEncryption: watch([], { on: dead }),
      settings: { lateSeconds: 1, keyDays: 1, storeFreePercent: 1 },
    })
    assert.deepEqual([conditions, [...unknown]], [[], ['identity-check']])
  })
})

suite('the proof that somebody has an identity', () => {
  const clock = new FakeClock('2026-01-02T03:04:05Z')

  test('is wanted before the first set is encrypted', async () => {
    const store = memStore(clock)
    const refused = (e: unknown) => Fault.is(e, 'invalid') && e.hint?.includes('encryption challenge') === true
    await assert.rejects(requireProven(store, recipients), refused)
    await noteProven(store, [stranger.fingerprint], clock.now())
    await assert.rejects(requireProven(store, recipients), refused, 'of one of these recipients')
    await noteProven(store, [vault.fingerprint], clock.now())
    await requireProven(store, recipients)
  })

  test('is the answer to the newest challenge alone, whose text the store does not hold', async () => {
    const store = memStore(clock)
    await makeChallenges(store, recipients, clock.now())
    const { challenges } = await readProofs(store)
    assert.deepEqual(Object.keys(challenges).toSorted(), [own.fingerprint, vault.fingerprint].toSorted())
    const digest = challenges[own.fingerprint]?.answer ?? ''
    await assert.rejects(proveAnswer(store, digest, clock.now()), (e) => Fault.is(e, 'invalid'))
    await assert.rejects(proveAnswer(store, '', clock.now()), (e) => Fault.is(e, 'invalid'))
  })
})
