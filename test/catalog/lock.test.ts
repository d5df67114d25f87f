import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { lockDirectory } from '../../src/lib/lock.ts'

const base = await mkdtemp(join(tmpdir(), 'holdfast-lock-'))
const children: ChildProcess[] = []
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(base, { recursive: true })
})

const fail = (message: string, holder: number | undefined) => new Error(`${message} (${holder})`)

/** Another process that holds the lock of a directory until it is killed. */
async function holder(directory: string): Promise<ChildProcess> {
  const source = `
    import { lockDirectory } from ${JSON.stringify(new URL('../../src/lib/lock.ts', import.meta.url).href)}
    await lockDirectory(${JSON.stringify(directory)}, (message) => new Error(message))
    console.log('held')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
  return child
}

test('a second process cannot lock a directory, and learns who holds it', async () => {
  const directory = join(base, 'two')
  const child = await holder(directory)
  await assert.rejects(lockDirectory(directory, fail), new RegExp(`another process holds it \\(${child.pid}\\)`))
})

test('the lock is free again once its holder was killed, with nothing to clean up', async () => {
  const directory = join(base, 'killed')
  const child = await holder(directory)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = await lockDirectory(directory, fail)
  lock.release()
  assert.deepEqual((await readdir(directory)).toSorted(), ['lock', 'lock.pid'])
})

test('one process cannot hold a directory twice, and can after it was given free', async () => {
  const directory = join(base, 'once')
  const first = await lockDirectory(directory, fail)
  await assert.rejects(lockDirectory(directory, fail), new RegExp(`\\(${process.pid}\\)`))
  first.release()
  first.release()
  using again = await lockDirectory(directory, fail)
  assert.ok(again)
})

test('makes the directory for its owner alone', async () => {
  const directory = join(base, 'a', 'b')
  using lock = await lockDirectory(directory, fail)
  assert.ok(lock)
  assert.equal((await stat(directory)).mode & 0o777, 0o700)
})

test('a child of the holder does not hold the lock', async () => {
  const directory = join(base, 'child')
  const lock = await lockDirectory(directory, fail)
  const child = spawn('sleep', ['60'], { stdio: 'inherit' })
  children.push(child)
  lock.release()
  using again = await lockDirectory(directory, fail)
  assert.ok(again)
})
