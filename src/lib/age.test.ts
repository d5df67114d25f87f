import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import fc from 'fast-check'
import { fingerprintOf, isRecipient, openAge, parseIdentities, sealForRecipients, type Identity } from './age.ts'
import { CHUNK, plainSizeOf, sealedSize } from './age-payload.ts'
import type { Bytes } from './streams.ts'
import { FrameDamage, type ReadRange } from './zstd-seek-table.ts'

const SECRET = await generateX25519Identity()
const RECIPIENT = await identityToRecipient(SECRET)
const OTHER = await identityToRecipient(await generateX25519Identity())
const [OWN] = ((await parseIdentities(SECRET)) ?? []) as readonly [Identity]

async function* pieces(data: Uint8Array, size: number): Bytes {
  // Copies: a reader may release what it is given.
  for (let at = 0; at < data.length; at += size) yield Uint8Array.from(data.subarray(at, at + size))
}

const all = async (body: Bytes) => Buffer.concat(await Array.fromAsync(body))
const seal = (data: Uint8Array, size = 10_000) => all(sealForRecipients(pieces(data, size), [RECIPIENT, OTHER]))

/** A way to read `stored`, which notes what was asked for. */
function reader(stored: Buffer): ReadRange & { asked: [number, number][] } {
  const asked: [number, number][] = []
  const read = async (start: number, end: number) => {
    asked.push([start, end])
    return pieces(stored.subarray(start, end), 7777)
  }
  return Object.assign(read, { asked })
}

const open = async (stored: Buffer) => (await openAge(reader(stored), stored.length, [OWN])) ?? assert.fail()
// Pieces beyond 8 KiB have memory of their own, which is released with them.
const openWhole = async (stored: Buffer) => all((await open(stored)).whole(pieces(stored, 30_000)))
const damaged = (error: unknown) => error instanceof FrameDamage

/** Lengths at which a chunk ends, and their neighbours. */
const LENGTHS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK + 77]

suite('a file of age', () => {
  for (const length of LENGTHS) {
    test(`of ${length} bytes is opened by the package and by us, whoever wrote it`, async () => {
      const data = randomBytes(length)
      const ours = await seal(data, 1 + (length % 70_000))
      const decrypter = new Decrypter()
      decrypter.addIdentity(SECRET)
      assert.ok(Buffer.from(await decrypter.decrypt(ours)).equals(data), 'ours, by the package')
      assert.ok((await openWhole(ours)).equals(data), 'ours, by us')
      const encrypter = new Encrypter()
      encrypter.addRecipient(RECIPIENT)
      const theirs = Buffer.from(await encrypter.encrypt(data))
      assert.ok((await openWhole(theirs)).equals(data), 'theirs, by us')
      assert.equal((await open(theirs)).plainSize, length)
    })
  }

  test('no two files have one key, of the same bytes either', async () => {
    const [one, other] = [await seal(Buffer.from('a')), await seal(Buffer.from('a'))]
    assert.ok(!one.subarray(-17).equals(other.subarray(-17)))
  })

  test('an identity of none of its recipients opens nothing', async () => {
    const [stranger] = (await parseIdentities(await generateX25519Identity())) ?? []
    assert.ok(stranger)
    const stored = await seal(randomBytes(100))
    assert.equal(await openAge(reader(stored), stored.length, [stranger]), undefined)
    assert.equal(await openAge(reader(stored), stored.length, []), undefined)
    assert.ok(await openAge(reader(stored), stored.length, [stranger, OWN]))
  })

  test('the header is found whatever comes after it', async () => {
    const stored = await seal(Buffer.from(`\n--- ${'A'.repeat(43)}\n`.repeat(100)))
    assert.equal((await openWhole(stored)).length, 4900)
  })
})

suite('ranges of a file of age', () => {
  test('any range of any body is the same range of what was sealed', async () => {
    const bodies = await Promise.all(
      LENGTHS.map(async (length) => {
        const data = randomBytes(length)
        return { data, age: await open(await seal(data)) }
      }),
    )
    const near = fc.oneof(
      fc.nat(4 * CHUNK),
      fc.tuple(fc.nat(3), fc.integer({ min: -2, max: 2 })).map(([chunk, by]) => Math.max(0, chunk * CHUNK + by)),
    )
    const property = fc.asyncProperty(fc.nat(bodies.length - 1), near, near, async (which, a, b) => {
      const { data, age } = bodies[which] ?? assert.fail()
      const [start, end] = [Math.min(a, b), Math.max(a, b)]
      assert.ok((await all(await age.read(start, end))).equals(data.subarray(start, end)))
    })
    await fc.assert(property, { numRuns: 200 })
  })

  test('are read out of the chunks that hold them alone', async () => {
    const stored = await seal(randomBytes(10 * CHUNK))
    const read = reader(stored)
    const age = (await openAge(read, stored.length, [OWN])) ?? assert.fail()
    const start = stored.length - sealedSize(10 * CHUNK)
    read.asked.length = 0
    await all(await age.read(3 * CHUNK + 5, 4 * CHUNK + 1))
    assert.deepEqual(read.asked, [[start + 3 * (CHUNK + 16), start + 5 * (CHUNK + 16)]])
  })

  test('the last chunk is known as the last one, and no other is taken for it', async () => {
    const data = randomBytes(3 * CHUNK)
    const stored = await seal(data)
    const cut = stored.subarray(0, stored.length - CHUNK - 16)
    const age = await open(cut)
    assert.ok((await all(await age.read(0, CHUNK))).equals(data.subarray(0, CHUNK)))
    await assert.rejects(all(await age.read(CHUNK, 2 * CHUNK)), damaged)
  })
})

suite('damage to a file of age', () => {
  test('cut off at the border of a chunk, it is missing its end', async () => {
    const stored = await seal(randomBytes(3 * CHUNK + 5))
    for (const chunks of [1, 2, 3]) {
      const border = stored.length - sealedSize(3 * CHUNK + 5) + chunks * (CHUNK + 16)
      await assert.rejects(openWhole(stored.subarray(0, border)), /altered, or what follows it is missing/)
    }
  })

  test('cut off anywhere else, it is found, too', async () => {
    const stored = await seal(randomBytes(CHUNK + 100))
    for (let length = stored.length - 1; length > 0; length -= 997) {
      await assert.rejects(async () => openWhole(stored.subarray(0, length)), damaged, `${length} bytes`)
    }
  })

  test('something after its end is found', async () => {
    const stored = await seal(randomBytes(CHUNK))
    await assert.rejects(async () => openWhole(Buffer.concat([stored, Buffer.alloc(1)])), damaged)
    await assert.rejects(async () => openWhole(Buffer.concat([stored, Buffer.alloc(16)])), damaged)
    await assert.rejects(async () => openWhole(Buffer.concat([stored, Buffer.alloc(40)])), damaged)
  })

  test('one flipped bit anywhere is found, or makes it a file of somebody else', async () => {
    const stored = await seal(randomBytes(300))
    for (let at = 0; at < stored.length; at++) {
      const bad = Buffer.from(stored)
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8))
      const outcome = await openAge(reader(bad), bad.length, [OWN])
        .then((age) => age && all(age.whole(pieces(bad, 100))))
        .catch((error: unknown) => error)
      assert.ok(outcome === undefined || damaged(outcome), `byte ${at}: ${String(outcome)}`)
    }
  })

  test('swapped chunks are found', async () => {
    const stored = await seal(randomBytes(3 * CHUNK))
    const start = stored.length - sealedSize(3 * CHUNK)
    const chunk = (at: number) => stored.subarray(start + at * (CHUNK + 16), start + (at + 1) * (CHUNK + 16))
    const swapped = Buffer.concat([stored.subarray(0, start), chunk(1), chunk(0), chunk(2)])
    await assert.rejects(openWhole(swapped), { message: 'chunk 0 of its encryption was altered' })
  })
})

test('the length of a payload and that of what is in it are made of each other', () => {
  fc.assert(fc.property(fc.nat(2 ** 31 - 1), (length) => assert.equal(plainSizeOf(sealedSize(length)), length)))
  for (const size of [0, 15, CHUNK + 17, CHUNK + 31, CHUNK + 32]) assert.throws(() => plainSizeOf(size), damaged)
})

suite('identities and recipients', () => {
  test('a fingerprint is what sha256sum says of the recipient', () => {
    assert.equal(fingerprintOf(RECIPIENT), createHash('sha256').update(RECIPIENT).digest('hex').slice(0, 16))
    assert.deepEqual(OWN, { recipient: RECIPIENT, fingerprint: fingerprintOf(RECIPIENT), secret: SECRET })
  })

  test('a recipient is one of X25519, which the age of Debian knows', () => {
    assert.equal(isRecipient(RECIPIENT), true)
    const wrong = RECIPIENT.slice(0, -1) + (RECIPIENT.endsWith('q') ? 'p' : 'q')
    for (const text of ['', 'age1', wrong, RECIPIENT.toUpperCase(), `${RECIPIENT} `, 'ssh-ed25519 AAAA', SECRET])
      assert.equal(isRecipient(text), false, text)
  })

  test('an identity file has comments, empty lines and one identity a line', async () => {
    const text = `# created: 2026-01-02\n# public key: ${RECIPIENT}\n\n${SECRET}\r\n`
    assert.deepEqual(await parseIdentities(text), [OWN])
    const wrong = SECRET.slice(0, -1) + (SECRET.endsWith('Q') ? 'P' : 'Q')
    for (const bad of ['', '# nothing', RECIPIENT, wrong, `${SECRET}\nx`])
      assert.equal(await parseIdentities(bad), undefined)
  })
})
