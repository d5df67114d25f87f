import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createSealer, openKeyFile } from './seal.ts'

const directory = await mkdtemp(join(tmpdir(), 'holdfast-seal-'))
after(() => rm(directory, { recursive: true }))

const fail = (message: string, { hint }: { hint: string }) => new Error(`${message} | ${hint}`)
const sealerOf = (...fills: [number, ...number[]]) =>
  createSealer(fills.map((fill) => Buffer.alloc(32, fill)) as [Buffer, ...Buffer[]], fail)

test('opens what it sealed, and never seals the same text twice alike', () => {
  const sealer = sealerOf(1)
  const sealed = sealer.seal('päss wörd', 'nodes/1')
  assert.equal(sealer.open(sealed, 'nodes/1'), 'päss wörd')
  assert.notEqual(sealer.seal('päss wörd', 'nodes/1'), sealed)
  assert.equal(sealer.open(sealer.seal('', 'x'), 'x'), '')
})

test('a secret moved to another purpose does not open', () => {
  const sealer = sealerOf(1)
  assert.throws(() => sealer.open(sealer.seal('secret', 'nodes/1'), 'nodes/2'), /altered or moved/)
})

test('an altered secret does not open, whichever character was altered', () => {
  const sealer = sealerOf(1)
  const sealed = sealer.seal('secret', 'p')
  for (let at = 0; at < sealed.length; at++) {
    const altered = sealed.slice(0, at) + (sealed[at] === 'A' ? 'Q' : 'A') + sealed.slice(at + 1)
    assert.throws(() => sealer.open(altered, 'p'), /open a secret/, altered)
  }
})

test('a secret sealed with another key names that key, not the secret', () => {
  const sealed = sealerOf(1).seal('secret', 'p')
  assert.throws(() => sealerOf(2).open(sealed, 'p'), /sealed with key .{8} \| Give back the key file/)
})

test('after a rotation the new key seals, and the old one still opens', () => {
  const sealed = sealerOf(1).seal('secret', 'p')
  const rotated = sealerOf(2, 1)
  assert.equal(rotated.open(sealed, 'p'), 'secret')
  assert.equal(sealerOf(2).open(rotated.seal('next', 'p'), 'p'), 'next')
})

test('derives the same key for the same purpose, and another for another', () => {
  assert.deepEqual(sealerOf(1).derive('links'), sealerOf(1).derive('links'))
  assert.notDeepEqual(sealerOf(1).derive('links'), sealerOf(1).derive('other'))
  assert.equal(sealerOf(1).derive('links', 64).length, 64)
})

test('makes the key file with mode 0600, and opens the same key again', async () => {
  const path = join(directory, 'made', 'key')
  const sealed = (await openKeyFile(path, fail)).seal('secret', 'p')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.equal((await openKeyFile(path, fail)).open(sealed, 'p'), 'secret')
  assert.deepEqual(await readdir(join(directory, 'made')), ['key'])
})

test('processes that start at once agree on one key', async () => {
  const path = join(directory, 'raced')
  const sealers = await Promise.all(Array.from({ length: 8 }, () => openKeyFile(path, fail)))
  assert.equal(new Set(sealers.map((sealer) => sealer.derive('p').toString('hex'))).size, 1)
})

test('refuses a key file that others may read or write', async () => {
  const path = join(directory, 'open')
  await openKeyFile(path, fail)
  for (const mode of [0o640, 0o604, 0o660, 0o601]) {
    await chmod(path, mode)
    await assert.rejects(openKeyFile(path, fail), /lets others at it \| Run chmod 600/)
  }
})

test('refuses a file that holds no key, and leaves it as it is', async () => {
  for (const text of ['', 'something else\n', 'holdfast-key-1:AAAA\n']) {
    const path = join(directory, 'wrong')
    await writeFile(path, text, { mode: 0o600 })
    await assert.rejects(openKeyFile(path, fail), /holds no key of ours/)
    assert.equal(await readFile(path, 'utf8'), text)
  }
})

test('the keys before the newest line of the file are told, with the moment that the file changed', async () => {
  const path = join(directory, 'rotated')
  const before = (await openKeyFile(path, fail)).derive('links')
  assert.deepEqual((await openKeyFile(path, fail)).earlier('links').keys, [])
  const other = join(directory, 'another')
  await openKeyFile(other, fail)
  await writeFile(path, (await readFile(other, 'utf8')) + (await readFile(path, 'utf8')))
  const rotated = await openKeyFile(path, fail)
  assert.deepEqual(rotated.earlier('links'), { keys: [before], until: Math.floor((await stat(path)).mtimeMs) })
  assert.notDeepEqual(rotated.derive('links'), before)
})
