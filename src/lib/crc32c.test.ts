import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { crc32c, replacedCrc, zerosAfter } from './crc32c.ts'

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

  test('is known with zeros behind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.nat(5000), (bytes, zeros) => {
        assert.equal(zerosAfter(crc32c(bytes), zeros), slow(Buffer.concat([bytes, Buffer.alloc(zeros)])))
      }),
    )
    assert.equal(zerosAfter(crc32c(Buffer.from('x')), 3_000_000), crc32c(Buffer.alloc(3_000_001).fill('x', 0, 1)))
  })

  test('is known after pieces were replaced, from front to back', () => {
    const piece = fc.record({ gap: fc.nat(40), bytes: fc.uint8Array({ maxLength: 40 }) })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(piece, { maxLength: 8 }), (bytes, pieces) => {
        const data = Buffer.from(bytes)
        const crc = replacedCrc(crc32c(data), data.length)
        let at = 0
        for (const { gap, bytes: wanted } of pieces) {
          at = Math.min(data.length, at + gap)
          const now = wanted.subarray(0, data.length - at)
          crc.replace(at, Buffer.from(data.subarray(at, at + now.length)), now)
          data.set(now, at)
          at += now.length
        }
        assert.equal(crc.value(), slow(data))
      }),
      { numRuns: 1000 },
    )
    const crc = replacedCrc(crc32c(Buffer.alloc(10)), 10)
    crc.replace(4, Buffer.alloc(2), Buffer.from('ab'))
    assert.throws(() => crc.replace(5, Buffer.alloc(1), Buffer.from('c')), RangeError)
  })
})
