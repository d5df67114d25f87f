import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import type { Bytes } from './streams.ts'
import { decodeFrames, decodeRange } from './zstd-decode.ts'
import { encodeFrames } from './zstd-encode.ts'
import { FrameDamage, formatSeekTable, frameOf, readSeekTable, type ReadRange } from './zstd-seek-table.ts'

async function* pieces(data: Uint8Array, ...sizes: number[]): Bytes {
  let at = 0
  for (let i = 0; at < data.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? data.length)
    yield data.subarray(at, at + size)
    at += size
  }
}

/** A way to read `stored` in pieces of `size`, which notes what was asked for. */
function reader(stored: Buffer, size = 1000): ReadRange & { asked: [number, number][] } {
  const asked: [number, number][] = []
  const read = async (start: number, end: number) => {
    asked.push([start, end])
    return pieces(stored.subarray(start, end), size)
  }
  return Object.assign(read, { asked })
}

async function encode(data: Uint8Array, frameSize: number, ...sizes: number[]) {
  const encoded = encodeFrames(pieces(data, ...sizes), { level: 3, frameSize })
  const stored = Buffer.concat(await Array.fromAsync(encoded.bytes))
  return { encoded, stored }
}

const all = async (body: Bytes) => Buffer.concat(await Array.fromAsync(body))
const decodeAll = async (stored: Buffer) => {
  const table = await readSeekTable(reader(stored), stored.length)
  return all(decodeFrames(table, pieces(stored, 777), 0, table.frames))
}
const damaged = (error: unknown) => error instanceof FrameDamage
const half = (length: number) => Buffer.concat([randomBytes(length / 2), Buffer.alloc(length / 2, 'abc')])

suite('independent zstd frames', () => {
  test('node:zlib decodes the first frame only and drops the rest in silence, which is why we decode by the table', () => {
    const two = Buffer.concat([zstdCompressSync('first'), zstdCompressSync('second')])
    assert.equal(zstdDecompressSync(two).toString(), 'first')
  })

  test('what was encoded decodes to the same bytes, and the counts say what it was', async () => {
    const data = half(100_000)
    const { encoded, stored } = await encode(data, 30_000, 17, 4096, 65_536)
    assert.ok((await decodeAll(stored)).equals(data))
    assert.deepEqual(
      { plain: encoded.plainSize, stored: encoded.storedSize, frames: encoded.frames },
      { plain: 100_000, stored: stored.length, frames: 4 },
    )
  })

  test('a body of a whole number of frames has no empty one at its end, and an empty body has none at all', async () => {
    assert.equal((await encode(half(60_000), 30_000)).encoded.frames, 2)
    assert.equal((await encode(half(60_000), 30_000, 30_000)).encoded.frames, 2)
    const { encoded, stored } = await encode(Buffer.alloc(0), 30_000)
    assert.equal(encoded.frames, 0)
    assert.equal(stored.length, 17)
    assert.equal((await decodeAll(stored)).length, 0)
  })

  test('each frame carries a checksum and its length', async () => {
    const { stored } = await encode(half(1000), 400)
    const descriptor = stored.readUInt8(4)
    assert.equal(descriptor & 0b100, 0b100)
    assert.ok(descriptor >>> 6 !== 0 || (descriptor & 0b100000) !== 0)
  })

  test('ends in the seek table of the standard', async () => {
    const { stored } = await encode(half(1000), 400)
    const table = stored.subarray(stored.length - 17 - 3 * 8)
    assert.equal(table.readUInt32LE(0), 0x184d2a5e)
    assert.equal(table.readUInt32LE(4), 3 * 8 + 9)
    assert.deepEqual(
      [12, 20, 28].map((at) => table.readUInt32LE(at)),
      [400, 400, 200],
    )
    assert.deepEqual([...table.subarray(-9)], [3, 0, 0, 0, 0, 0xb1, 0xea, 0x92, 0x8f])
  })

  test('a source that fails makes the encoding fail', async () => {
    const source = async function* () {
      yield Buffer.alloc(50_000)
      throw new Error('cut')
    }
    await assert.rejects(all(encodeFrames(source(), { level: 3, frameSize: 10_000 }).bytes), { message: 'cut' })
  })

  test('the source is held back while nobody reads', async () => {
    let given = 0
    const source = async function* () {
      for (; given < 1000; given++) yield Buffer.alloc(1000)
    }
    const bytes = encodeFrames(source(), { level: 1, frameSize: 1000 }).bytes[Symbol.asyncIterator]()
    await bytes.next()
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    assert.ok(given < 20, `${given} frames were read ahead`)
    await bytes.return?.()
  })
})

suite('ranges of frames', () => {
  test('any range of any body in frames of any size is the same range of the body', async () => {
    const property = fc.asyncProperty(
      fc.uint8Array({ maxLength: 600 }),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 90 }),
      fc.nat(700),
      fc.nat(700),
      async (data, frameSize, readSize, a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)]
        const { stored } = await encode(data, frameSize, 13, 70)
        const read = reader(stored, readSize)
        const table = await readSeekTable(read, stored.length)
        const range = await all(decodeRange(table, read, start, end))
        assert.deepEqual([...range], [...data.subarray(start, end)])
      },
    )
    await fc.assert(property, { numRuns: 150 })
  })

  test('reads only the frames that hold the range', async () => {
    const { stored } = await encode(half(100_000), 10_000)
    const read = reader(stored)
    const table = await readSeekTable(read, stored.length)
    read.asked.length = 0
    await all(decodeRange(table, read, 35_000, 52_000))
    assert.deepEqual(read.asked, [[table.storedAt[3], table.storedAt[6]]])
  })

  test('an empty range, and one behind the end, reads nothing', async () => {
    const { stored } = await encode(half(1000), 400)
    const table = await readSeekTable(reader(stored), stored.length)
    const read = reader(stored)
    for (const [start, end] of [
      [5, 5],
      [1000, 2000],
      [7, 3],
    ] as const) {
      assert.equal((await all(decodeRange(table, read, start, end))).length, 0)
    }
    assert.deepEqual(read.asked, [])
  })

  test('finds the frame of an offset', async () => {
    const { stored } = await encode(half(1000), 400)
    const table = await readSeekTable(reader(stored), stored.length)
    assert.deepEqual(
      [0, 399, 400, 799, 800, 999].map((offset) => frameOf(table, offset)),
      [0, 0, 1, 1, 2, 2],
    )
  })

  test('a seek table that is longer than the first look at the tail is read whole', async () => {
    const data = randomBytes(20_000)
    const { stored } = await encode(data, 2)
    const table = await readSeekTable(reader(stored), stored.length)
    assert.equal(table.frames, 10_000)
    assert.ok((await all(decodeRange(table, reader(stored), 9_999, 10_031))).equals(data.subarray(9_999, 10_031)))
  })

  test('reads a table whose entries also hold checksums, as other programs write them', async () => {
    const [a, b] = [zstdCompressSync('first'), zstdCompressSync('second')]
    const plain = formatSeekTable([a.length, 5, b.length, 6])
    const entries = [0, 1].map((i) => Buffer.concat([plain.subarray(8 + 8 * i, 16 + 8 * i), Buffer.alloc(4, 7)]))
    const table = Buffer.concat([plain.subarray(0, 8), ...entries, plain.subarray(24)])
    table.writeUInt32LE(2 * 12 + 9, 4)
    table.writeUInt8(0x80, table.length - 5)
    assert.equal((await decodeAll(Buffer.concat([a, b, table]))).toString(), 'firstsecond')
  })
})

suite('damage to frames', () => {
  test('one flipped bit anywhere is found, or was in a byte that changes nothing', async () => {
    const data = half(3000)
    const { stored } = await encode(data, 1000)
    for (let at = 0; at < stored.length; at++) {
      const bad = Buffer.from(stored)
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8))
      const outcome = await decodeAll(bad).catch((error: unknown) => error)
      assert.ok(damaged(outcome) || (Buffer.isBuffer(outcome) && outcome.equals(data)), `byte ${at}`)
    }
  })

  test('bytes cut off at the end, at any place, are found', async () => {
    const { stored } = await encode(half(3000), 1000)
    for (let length = 0; length < stored.length; length += 7) {
      await assert.rejects(decodeAll(stored.subarray(0, length)), damaged, `${length} bytes`)
    }
  })

  test('a frame that the stored bytes break off in is named', async () => {
    const { stored } = await encode(half(3000), 1000)
    const table = await readSeekTable(reader(stored), stored.length)
    const cut = pieces(stored.subarray(0, (table.storedAt[2] ?? 0) - 1), 100)
    await assert.rejects(all(decodeFrames(table, cut, 0, 3)), { message: 'it ends inside frame 1' })
  })

  test('a second frame hidden in the bytes of the first is found', async () => {
    const [a, b] = [zstdCompressSync('first'), zstdCompressSync('second')]
    for (const plain of [5, 11]) {
      const stored = Buffer.concat([a, b, formatSeekTable([a.length + b.length, plain])])
      await assert.rejects(decodeAll(stored), damaged, `said to be ${plain} bytes`)
    }
  })

  test('a table that lies about the length of a frame is found', async () => {
    const frame = zstdCompressSync('first')
    for (const plain of [0, 4, 6, 100]) {
      await assert.rejects(decodeAll(Buffer.concat([frame, formatSeekTable([frame.length, plain])])), damaged)
    }
  })

  test('a table that asks for more memory than any frame of ours needs is refused before a byte is decoded', async () => {
    const frame = zstdCompressSync('first')
    const stored = Buffer.concat([frame, formatSeekTable([frame.length, 0xffffffff])])
    await assert.rejects(decodeAll(stored), /said to decode to 4294967295 bytes/)
  })

  test('swapped frames of equal length are found only by a hash of the whole, which is why there is one', async () => {
    const [a, b] = [randomBytes(100), randomBytes(100)]
    const [one, other] = [await encode(Buffer.concat([a, b]), 100), await encode(Buffer.concat([b, a]), 100)]
    assert.ok((await decodeAll(other.stored)).equals(Buffer.concat([b, a])))
    assert.equal(one.stored.length, other.stored.length)
  })
})
