import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sharesOf } from './bandwidth.ts'

test('without a limit of the whole everybody has its own', () => {
  assert.deepEqual(sharesOf(0, [0, 5, 7]), [0, 5, 7])
  assert.deepEqual(sharesOf(100, []), [])
})

test('the whole is shared evenly, and what one cannot use the others get', () => {
  assert.deepEqual(sharesOf(90, [0, 0, 0]), [30, 30, 30])
  assert.deepEqual(sharesOf(90, [0, 10, 0]), [40, 10, 40])
  assert.deepEqual(sharesOf(90, [20, 10, 0]), [20, 10, 60])
  assert.deepEqual(sharesOf(90, [20, 10, 50]), [20, 10, 50])
  assert.deepEqual(sharesOf(1, [0, 0]), [1, 1], 'never 0, which is no limit')
})

test('shares never exceed the whole or a limit, use all that may be used, and favour nobody', () => {
  const limits = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1000, max: 1_000_000 })), {
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 5_000_000 }), limits, (whole, own) => {
      const shares = sharesOf(whole, own)
      const sum = shares.reduce((total, share) => total + share, 0)
      const wanted = own.some((limit) => limit === 0) ? Infinity : own.reduce((total, limit) => total + limit, 0)
      assert.ok(sum <= whole, `${sum} of ${whole}`)
      assert.ok(sum >= Math.min(whole, wanted) - own.length, `${sum} of ${Math.min(whole, wanted)}`)
      const most = Math.max(...shares)
      for (const [at, share] of shares.entries()) {
        const limit = own[at] || Infinity
        assert.ok(share > 0 && share <= limit)
        assert.ok(share === limit || share >= most - 1, 'who has less than another has all that it may')
      }
    }),
  )
})
