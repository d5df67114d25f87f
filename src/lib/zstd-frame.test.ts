import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { zstdDecompress } from 'node:zlib'
import { createFrameEncoder } from './zstd-frame.ts'

/** What a frame decodes to, and how many of its bytes that took. */
const decode = (frame: Buffer) =>
  new Promise<{ plain: Buffer; used: number }>((resolve, reject) => {
    zstdDecompress(frame, { info: true }, (error, result: unknown) => {
      if (error) return reject(error)
      const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
      resolve({ plain: buffer, used: engine.bytesWritten })
    })
  })

test('frame after frame decodes to what went in, to its last byte', async () => {
  const encoder = createFrameEncoder({ level: 1 })
  for (const plain of [randomBytes(1 << 20), Buffer.alloc(1 << 20, 'abc'), randomBytes(3), randomBytes(700_000)]) {
    const frame = await encoder.encode(plain)
    const { plain: back, used } = await decode(frame)
    assert.ok(back.equals(plain))
    assert.equal(used, frame.length)
  }
  encoder.close()
})

test('a frame that just fills the piece it ends in has no empty frame behind it', async () => {
  const pieceSize = 100_000
  const random = randomBytes(pieceSize)
  // The header of such a frame, of its only block, and its checksum.
  const overhead = (await encoded(random.subarray(0, 90_000))).length - 90_000
  for (const short of [1, 0, -1]) {
    const encoder = createFrameEncoder({ level: 1, pieceSize })
    const plain = random.subarray(0, pieceSize - overhead - short)
    for (const one of [plain, random.subarray(0, 1000), plain]) {
      const frame = await encoder.encode(one)
      assert.equal(frame.length, one.length + (one === plain ? overhead : (await encoded(one)).length - 1000))
      const { plain: back, used } = await decode(frame)
      assert.equal(used, frame.length)
      assert.ok(back.equals(one))
    }
    encoder.close()
  }

  async function encoded(plain: Buffer): Promise<Buffer> {
    const encoder = createFrameEncoder({ level: 1 })
    const frame = await encoder.encode(plain)
    encoder.close()
    return frame
  }
})

test('frames stay whole however the pieces fall', async () => {
  const encoder = createFrameEncoder({ level: 1, pieceSize: 70_000 })
  for (let size = 60_000; size < 80_000; size += 97) {
    const plain = randomBytes(size)
    const frame = await encoder.encode(plain)
    const { plain: back, used } = await decode(frame)
    assert.ok(used === frame.length && back.equals(plain), `${size}`)
  }
  encoder.close()
})
