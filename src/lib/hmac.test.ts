import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hmacSha256 } from './hmac.ts'

test('it is HMAC-SHA256, for keys of up to a block and texts of any length', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 1000, maxLength: 6000 })), {
        maxLength: 4,
      }),
      (key, texts) => {
        const sign = hmacSha256(key)
        for (const text of texts) assert.equal(sign(text), createHmac('sha256', key).update(text).digest('base64url'))
      },
    ),
  )
})

test('a key longer than a block is refused', () => assert.throws(() => hmacSha256(new Uint8Array(65)), RangeError))
