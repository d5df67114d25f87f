import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { brokenBytes, bytes, storeContract, whole } from '../../test/contract/store.ts'
import { Fault } from '../core/fault.ts'
import { FakeClock } from '../lib/clock.ts'
import { storeFault } from './fs-faults.ts'
import { fsStore } from './fs.ts'

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-fs-'))
after(() => rm(scratch, { recursive: true, force: true }))

const clock = new FakeClock('2026-01-01T00:00:00Z')
const fresh = () => mkdtemp(join(scratch, 'store-'))

storeContract('fs', async () => fsStore(await fresh(), clock))

suite('fs: what a store on a file system adds', () => {
  test('files and directories are open to their owner only', async () => {
    const directory = await fresh()
    await fsStore(directory, clock).put('a/b', bytes('x'))
    assert.equal((await stat(join(directory, 'a/b'))).mode & 0o777, 0o600)
    assert.equal((await stat(join(directory, 'a'))).mode & 0o777, 0o700)
  })

  test('a piece that cannot be written is tried again for as long as the caller says, with nothing written twice', async () => {
    const directory = await fresh()
    const way = join(directory, '~drafts')
    await symlink('/tmp', way)
    const met: string[] = []
    const onTrouble = async ({ message }: Fault) => {
      if (met.push(message) === 3) await rm(way)
    }
    await fsStore(directory, clock).put('k', bytes('a', 'b'), { onTrouble })
    assert.equal((await readFile(join(directory, 'k'))).toString(), 'ab')
    assert.equal(met.length, 3)
    assert.match(met[0] ?? '', /a symbolic link is in the way/)
    await rm(join(directory, 'k'))
    await mkdir(join(directory, 'k'))
    await rename(join(directory, 'k'), join(directory, 'away'))
    await symlink(join(directory, 'away'), join(directory, 'k'))
    const enough = async (fault: Fault) => {
      throw fault
    }
    await assert.rejects(fsStore(directory, clock).put('k/b', bytes('x'), { onTrouble: enough }), (error) =>
      Fault.is(error, 'store_unavailable'),
    )
    assert.deepEqual(await readdir(way), [])
  })

  test('a put that fails leaves no draft', async () => {
    const directory = await fresh()
    await assert.rejects(fsStore(directory, clock).put('k', brokenBytes('x')))
    assert.deepEqual(await readdir(join(directory, '~drafts')), [])
  })

  test('a removed object takes its empty directories with it', async () => {
    const directory = await fresh()
    const store = fsStore(directory, clock)
    await store.put('a/b/c', bytes('x'))
    await store.put('a/d', bytes('x'))
    await store.remove('a/b/c')
    assert.deepEqual(await readdir(join(directory, 'a')), ['d'])
  })

  test('tidy removes drafts older than the moment given, and no object', async () => {
    const directory = await fresh()
    const store = fsStore(directory, clock)
    await store.put('k', bytes('x'))
    const drafts = ['old', 'young'].map((name) => join(directory, '~drafts', name))
    for (const draft of drafts) await writeFile(draft, 'half')
    await utimes(drafts[0] ?? '', 1000, 1000)
    await utimes(drafts[1] ?? '', 3000, 3000)
    assert.equal(await store.tidy?.(2_000_000), 1)
    assert.deepEqual(await readdir(join(directory, '~drafts')), ['young'])
    assert.equal((await store.stat('k')).size, 1)
  })

  test('tidy of a store that never had a draft finds none', async () => {
    assert.equal(await fsStore(await fresh(), clock).tidy?.(clock.now()), 0)
  })

  test('reads nothing through a symbolic link, whether it is the object or a directory above it', async () => {
    const [directory, outside] = [await fresh(), await fresh()]
    await writeFile(join(outside, 'secret'), 'secret')
    await symlink(join(outside, 'secret'), join(directory, 'link'))
    await symlink(outside, join(directory, 'dir'))
    const store = fsStore(directory, clock)
    for (const key of ['link', 'dir/secret']) {
      await assert.rejects(store.get(key), (e) => Fault.is(e, 'not_found'), key)
      await assert.rejects(store.stat(key), (e) => Fault.is(e, 'not_found'), key)
      await store.remove(key)
    }
    assert.deepEqual(await Array.fromAsync(store.list('')), [])
    assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'secret')
  })

  test('writes nothing through a symbolic link', async () => {
    const [directory, outside] = [await fresh(), await fresh()]
    await symlink(outside, join(directory, 'dir'))
    await writeFile(join(outside, 'target'), 'untouched')
    await symlink(join(outside, 'target'), join(directory, 'link'))
    const store = fsStore(directory, clock)
    await assert.rejects(store.put('dir/k', bytes('x')), (e) => Fault.is(e, 'store_unavailable'))
    await assert.rejects(store.put('dir/sub/k', bytes('x')), (e) => Fault.is(e, 'store_unavailable'))
    await store.put('link', bytes('mine'))
    assert.deepEqual(await readdir(outside), ['target'])
    assert.equal(await readFile(join(outside, 'target'), 'utf8'), 'untouched')
    assert.equal((await whole(await store.get('link'))).toString(), 'mine')
  })

  test('the directory of the store itself may be reached by a symbolic link', async () => {
    const directory = await fresh()
    await symlink(directory, `${directory}-link`)
    const store = fsStore(`${directory}-link`, clock)
    await store.put('a/b', bytes('x'))
    assert.equal((await whole(await store.get('a/b'))).toString(), 'x')
  })

  test('passes over what others laid there and no key can name', async () => {
    const directory = await fresh()
    await mkdir(join(directory, 'lost+found'))
    await writeFile(join(directory, 'lost+found', 'x'), 'x')
    await writeFile(join(directory, 'a file'), 'x')
    assert.deepEqual(await Array.fromAsync(fsStore(directory, clock).list('')), [])
  })

  test('a directory that is gone, or another one in its place, is store_unavailable and never a missing object', async () => {
    const directory = await fresh()
    const store = fsStore(directory, clock)
    await store.put('k', bytes('x'))
    await rename(directory, `${directory}-away`)
    await assert.rejects(store.get('k'), (e) => Fault.is(e, 'store_unavailable') && e.hint !== undefined)
    await mkdir(directory)
    await assert.rejects(store.get('k'), (e) => Fault.is(e, 'store_unavailable') && e.hint !== undefined)
    await assert.rejects(store.put('k', bytes('y')), (e) => Fault.is(e, 'store_unavailable'))
    await rm(directory, { recursive: true })
    await rename(`${directory}-away`, directory)
    assert.equal((await store.stat('k')).size, 1)
  })

  test('a reader that stops before its first byte, or after it, leaves no file open', async () => {
    const store = fsStore(await fresh(), clock)
    await store.put('k', bytes(Buffer.alloc(3_000_000)))
    const before = (await readdir('/proc/self/fd')).length
    for (let i = 0; i < 20; i++) {
      const unread = (await store.get('k'))[Symbol.asyncIterator]()
      await unread.return?.()
      for await (const chunk of await store.get('k')) if (chunk.length > 0) break
    }
    assert.equal((await readdir('/proc/self/fd')).length, before)
  })

  test('a reader that began keeps its object while another one replaces it', async () => {
    const store = fsStore(await fresh(), clock)
    await store.put('k', bytes(Buffer.alloc(3_000_000, 1)))
    const old = await store.get('k')
    await store.put('k', bytes(Buffer.alloc(10, 2)))
    assert.ok((await whole(old)).equals(Buffer.alloc(3_000_000, 1)))
  })

  test('the failures of a file system become faults with a hint', () => {
    const failed = (code: string) => Object.assign(new Error(code), { code, syscall: 'write' })
    const codes = {
      ENOSPC: 'store_full',
      EDQUOT: 'store_full',
      EACCES: 'store_unavailable',
      EROFS: 'store_unavailable',
    }
    for (const [code, expected] of Object.entries(codes)) {
      const fault = storeFault('put k', failed(code))
      assert.ok(Fault.is(fault) && fault.code === expected && fault.hint !== undefined, code)
    }
    const bug = new TypeError('a bug')
    assert.equal(storeFault('put k', bug), bug)
  })
})
