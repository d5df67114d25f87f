import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { restore } from '../../src/engine/postgres/restore.ts'
import { MARKER } from '../../src/engine/postgres/restore-target.ts'
import { fileMember, plainFacts, setOf, tarOf, type Member } from './base-backup-set.ts'
import { openRestoreWorld, startByHand, type RestoreWorld } from './restore-world.ts'

suite('restore of a damaged set', () => {
  let world: RestoreWorld

  before(async () => {
    world = await openRestoreWorld()
  })
  after(() => world[Symbol.asyncDispose]())

  const without = (...names: string[]) => world.members.filter(({ entry }) => !names.includes(entry.name))
  const changed = (name: string, change: (content: Buffer) => Buffer) =>
    world.members.map((member) => (member.entry.name === name ? fileMember(name, change(member.content)) : member))

  /** A target that a restore gave up on must not start, by hand either. */
  const assertStartsNot = async (target: string) => {
    assert.ok((await readdir(target)).includes(MARKER))
    await assert.rejects(
      startByHand(join(target, 'data'), world.owner),
      /is not a valid data directory|does not exist|could not (access|open)/,
    )
  }

  const flip = (content: Buffer) => {
    const other = Buffer.from(content)
    other[100] = (other[100] ?? 0) ^ 1
    return other
  }
  const table = () =>
    world.members.find(({ entry }) => /^tablespaces\/.*\/\d+$/.test(entry.name) && entry.size > 10_000)?.entry.name ??
    ''
  const wal = () => world.members.find(({ entry }) => /pg_wal\/[0-9A-F]{24}$/.test(entry.name))?.entry.name ?? ''
  const damages: Record<string, readonly [() => readonly Member[], RegExp]> = {
    'a flipped bit in a file': [() => changed(table(), flip), /pg_tblspc\/.* has another checksum/],
    'a file cut short': [() => changed(table(), (content) => content.subarray(8192)), /has \d+ bytes instead of \d+/],
    'a missing file': [() => without(table()), /pg_tblspc\/.* is missing/],
    'a file that nobody listed': [
      () => [...world.members, fileMember('data/base/evil', Buffer.from('x'))],
      /1 files that/,
    ],
    'a missing WAL segment': [() => without(wal()), /WAL segment [0-9A-F]{24} is not whole/],
    'a WAL segment cut short': [() => changed(wal(), (content) => content.subarray(1)), /is not whole/],
    'a flipped bit in the manifest': [
      () => changed('data/backup_manifest', flip),
      /backup_manifest is damaged|is missing|instead of/,
    ],
    'no manifest': [() => without('data/backup_manifest'), /backup_manifest cannot be read/],
    'a missing backup_label': [() => without('data/backup_label'), /backup_label is missing/],
    'no pg_control': [() => without('data/global/pg_control'), /pg_control is missing/],
  }
  for (const [what, [make, message]] of Object.entries(damages)) {
    test(`finds ${what}, and what was written does not start`, async () => {
      const target = world.at(`damaged ${what}`)
      const failed = restore(target, [setOf(tarOf(make()), plainFacts())], {})
      await assert.rejects(failed, (e) => Fault.is(e, 'store_corrupt') && message.test(e.message))
      await assertStartsNot(target.directory)
      await rm(target.directory, { recursive: true })
    })
  }

  test('a cancelled restore rejects with the reason, and leaves its target empty', async () => {
    const target = world.at('cancelled')
    const abort = new AbortController()
    const reason = new Fault('cancelled', 'restore')
    const onProgress = ({ bytes }: { bytes: number }) => bytes > 1_000_000 && abort.abort(reason)
    const failed = restore(target, [world.set], {}, { signal: abort.signal, onProgress })
    await assert.rejects(failed, reason)
    assert.deepEqual(await readdir(target.directory), [])
  })
})
