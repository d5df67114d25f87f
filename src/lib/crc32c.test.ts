import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { crc32c } from './crc32c.ts'

/** The definition, a bit at a time. */
function slow(data: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of data) {
    crc ^= byte
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

suite('CRC-32C', () => {
  test('gives the check values of RFC 3720', () => {
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
    assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43)
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  })

  test('is the definition for every length and alignment, whole or in pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(8), fc.nat(200), (bytes, offset, cut) => {
        const shifted = new Uint8Array(bytes.length + offset)
        shifted.set(bytes, offset)
        const data = shifted.subarray(offset)
        const [a, b] = [data.subarray(0, cut), data.subarray(cut)]
        assert.equal(crc32c(data), slow(bytes))
        assert.equal(crc32c(b, crc32c(a)), slow(bytes))
      }),
    )
  })
})
