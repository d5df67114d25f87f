import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFile, chown, mkdir, readdir, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Fault, type FaultCode } from '../../src/core/fault.ts'
import { restore } from '../../src/engine/postgres/restore.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { eventually } from '../lib/eventually.ts'
import { asUser, isGone, openRestoreWorld, type RestoreWorld } from './restore-world.ts'
import { queryRestored } from './restored-server.ts'

const isFault = (code: FaultCode) => (error: unknown) => Fault.is(error, code)

suite('who restores, and starting what was restored', () => {
  let world: RestoreWorld

  before(async () => {
    world = await openRestoreWorld()
  })
  after(() => world[Symbol.asyncDispose]())

  test('an ordinary user restores what is then his own', async () => {
    const target = join(world.directory, 'as a user')
    const { uid, gid } = world.owner ?? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
    const restored = await asUser({ uid, gid }, () => restore({ directory: target }, [world.set], {}))
    assert.deepEqual(restored.warnings, [])
    const info = await stat(restored.dataDirectory)
    assert.deepEqual([info.uid, info.gid], [uid, gid])
    await using started = await startRestored(restored)
    await queryRestored(started, 'select 1')
  })

  test('a place that a user may not write to is forbidden, and stays as it was', async () => {
    const closed = join(world.directory, 'closed')
    await mkdir(closed, { mode: 0o500 })
    const { uid, gid } = world.owner ?? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
    if (world.owner) await chown(closed, uid, gid)
    const refused = asUser({ uid, gid }, () => restore({ directory: join(closed, 'target') }, [world.set], {}))
    await assert.rejects(refused, isFault('forbidden'))
    assert.deepEqual(await readdir(closed), [])
  })

  test('root without an owner is warned, and cannot start what it restored', async () => {
    const restored = await restore({ directory: join(world.directory, 'nobody') }, [world.set], {})
    if (!world.owner) return assert.deepEqual(restored.warnings, [])
    assert.match(restored.warnings.join(), /belong to root, and PostgreSQL does not run as root/)
    await assert.rejects(startRestored(restored), isFault('invalid'))
  })

  test('a server that does not come up says why, and is not left running', async () => {
    const restored = await restore(world.at('broken'), [world.set], {})
    await appendFile(join(restored.dataDirectory, 'postgresql.conf'), "shared_preload_libraries = 'nothing_like_it'\n")
    const failed = startRestored(restored, { owner: world.owner })
    await assert.rejects(failed, (e) => Fault.is(e, 'engine_failed') && /nothing_like_it/.test(e.message))
    await assert.rejects(stat(join(restored.dataDirectory, 'postmaster.pid')), { code: 'ENOENT' })
  })

  test('a start that is cancelled leaves no server behind', async () => {
    const restored = await restore(world.at('hurried'), [world.set], {})
    const reason = new Fault('cancelled', 'start')
    const abort = new AbortController()
    const starting = startRestored(restored, { owner: world.owner, signal: abort.signal })
    setTimeout(() => abort.abort(reason), 30)
    await assert.rejects(starting, reason)
    await eventually(() => isGone(join(restored.dataDirectory, 'postmaster.pid')), 'no server runs')
  })

  test('a port that was taken meanwhile is replaced by another', async () => {
    const restored = await restore(world.at('port'), [world.set], {})
    await using taken = createServer().listen(restored.port, '127.0.0.1')
    await once(taken, 'listening')
    await using started = await startRestored(restored, { owner: world.owner })
    assert.notEqual(started.port, restored.port)
    await queryRestored(started, 'select 1')
  })
})
