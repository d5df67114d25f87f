import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { openAge, parseIdentities, sealForRecipients, type Identity } from '../../src/lib/age.ts'
import { CHUNK } from '../../src/lib/age-payload.ts'
import { bytes, whole } from '../contract/store.ts'
import { ageOpens, makeKey, type KeyPair } from './keys.ts'

const run = promisify(execFile)
const LENGTHS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 1_000_003]

/** A body of its own: who reads one may release what he was given. */
const bodyOf = (data: Uint8Array) => bytes(Uint8Array.from(data))

suite('with the age of Debian', () => {
  let directory: string
  let keys: [KeyPair, KeyPair]
  let stranger: KeyPair
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-age-'))
    keys = [await makeKey(directory, 'one'), await makeKey(directory, 'two')]
    stranger = await makeKey(directory, 'stranger')
  })
  after(() => rm(directory, { recursive: true }))

  const identityOf = async ({ file }: KeyPair): Promise<readonly Identity[]> =>
    (await parseIdentities(await readFile(file, 'utf8'))) ?? assert.fail('no identity')
  const opened = async (stored: Buffer, key: KeyPair) =>
    openAge(async (from, to) => bodyOf(stored.subarray(from, to)), stored.length, await identityOf(key))

  test('what we seal for two is opened by it with either identity, of any length', async () => {
    const file = join(directory, 'ours.age')
    for (const length of LENGTHS) {
      const plain = randomBytes(length)
      const recipients = keys.map(({ recipient }) => recipient)
      await writeFile(file, await whole(sealForRecipients(bodyOf(plain), recipients)))
      for (const key of keys) assert.ok((await ageOpens(file, key)).equals(plain), `${length} bytes`)
    }
    await assert.rejects(ageOpens(file, stranger), /no identity matched/)
  })

  test('what it seals for two is opened by us with either identity, whole and by ranges', async () => {
    const [from, to] = [join(directory, 'plain'), join(directory, 'theirs.age')]
    for (const length of LENGTHS) {
      const plain = randomBytes(length)
      await writeFile(from, plain)
      await run('age', [...keys.flatMap(({ recipient }) => ['-r', recipient]), '-o', to, from])
      const stored = await readFile(to)
      for (const key of keys) {
        const age = (await opened(stored, key)) ?? assert.fail('not opened')
        assert.equal(age.plainSize, length)
        assert.ok((await whole(age.whole(bodyOf(stored)))).equals(plain), `${length} bytes`)
        const [start, end] = [Math.floor(length / 3), Math.ceil((2 * length) / 3)]
        assert.ok((await whole(await age.read(start, end))).equals(plain.subarray(start, end)), `${length} bytes`)
      }
      assert.equal(await opened(stored, stranger), undefined)
    }
  })

  test('a file of ours that was cut or changed is refused by it, as by us', async () => {
    const file = join(directory, 'damaged.age')
    const stored = await whole(sealForRecipients(bytes(randomBytes(3 * CHUNK)), [keys[0].recipient]))
    const flipped = Buffer.from(stored)
    flipped[stored.length - 100_000] = (flipped[stored.length - 100_000] ?? 0) ^ 1
    for (const damaged of [stored.subarray(0, stored.length - CHUNK - 16), stored.subarray(0, -1), flipped]) {
      await writeFile(file, damaged)
      await assert.rejects(ageOpens(file, keys[0]), /age: error/)
      await assert.rejects(async () => {
        const age = await opened(Buffer.from(damaged), keys[0])
        return whole(age?.whole(bodyOf(damaged)) ?? assert.fail('not opened'))
      }, /encryption|chunk/)
    }
  })
})
