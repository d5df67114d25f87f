import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { crc64, joinCrc64 } from './crc64.ts'

/** The definition, a bit at a time. */
function slow(data: Uint8Array): bigint {
  let crc = 0xffffffffffffffffn
  for (const byte of data) {
    crc ^= BigInt(byte)
    for (let k = 0; k < 8; k++) crc = crc & 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n
  }
  return crc ^ 0xffffffffffffffffn
}

suite('CRC-64', () => {
  test('gives the check value of CRC-64/XZ, and nothing of nothing', () => {
    assert.equal(crc64(Buffer.from('123456789')), 0x995dc9bbdf1939fan)
    assert.equal(crc64(Buffer.alloc(0)), 0n)
  })

  test('is the definition for every length and alignment, whole, in pieces, and joined', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(8), fc.nat(100), (bytes, offset, cut) => {
        const shifted = new Uint8Array(bytes.length + offset)
        shifted.set(bytes, offset)
        const data = shifted.subarray(offset)
        const [a, b] = [data.subarray(0, cut), data.subarray(cut)]
        assert.equal(crc64(data), slow(bytes))
        assert.equal(crc64(b, crc64(a)), slow(bytes))
        assert.equal(joinCrc64(crc64(a), crc64(b), b.length), slow(bytes))
      }),
    )
  })
})
