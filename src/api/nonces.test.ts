import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createNonceTable } from './nonce-table.ts'
import { createNonces } from './nonces.ts'

const MINUTE = 60_000
const NOW = Date.parse('2026-01-02T03:04:05Z')

suite('nonces', () => {
  test('a nonce of a key is spent once', () => {
    const nonces = createNonces({ noncesPerKey: 10 })
    assert.equal(nonces.spend('key', 'n', NOW + MINUTE, NOW), 'fresh')
    assert.equal(nonces.spend('key', 'n', NOW + MINUTE, NOW), 'used')
  })

  test('another timestamp does not make a spent nonce fresh', () => {
    const nonces = createNonces({ noncesPerKey: 10 })
    nonces.spend('key', 'n', NOW + 29 * MINUTE, NOW)
    assert.equal(nonces.spend('key', 'n', NOW + MINUTE, NOW), 'used')
  })

  test('keys do not share nonces, however their names are joined to them', () => {
    const nonces = createNonces({ noncesPerKey: 10 })
    assert.equal(nonces.spend('key', '1n', NOW + MINUTE, NOW), 'fresh')
    assert.equal(nonces.spend('key1', 'n', NOW + MINUTE, NOW), 'fresh')
  })

  test('a nonce is known until its own timestamp leaves the window, and forgotten soon after', () => {
    const nonces = createNonces({ noncesPerKey: 10 })
    const until = NOW + 15 * MINUTE
    nonces.spend('key', 'n', until, NOW)
    assert.equal(nonces.spend('key', 'n', until, until), 'used')
    assert.equal(nonces.spend('key', 'other', until + 20 * MINUTE, until + 3 * MINUTE), 'fresh')
    assert.equal(nonces.size, 1)
  })

  test('a key has a limit of its own, which falls as its nonces are forgotten', () => {
    const nonces = createNonces({ noncesPerKey: 2 })
    nonces.spend('key', 'a', NOW + MINUTE, NOW)
    nonces.spend('key', 'b', NOW + 10 * MINUTE, NOW)
    assert.equal(nonces.spend('key', 'c', NOW + MINUTE, NOW), 'full')
    assert.equal(nonces.spend('key', 'a', NOW + MINUTE, NOW), 'used')
    assert.equal(nonces.spend('other', 'c', NOW + MINUTE, NOW), 'fresh')
    assert.equal(nonces.spend('key', 'c', NOW + 20 * MINUTE, NOW + 5 * MINUTE), 'fresh')
    assert.equal(nonces.spend('key', 'd', NOW + 20 * MINUTE, NOW + 5 * MINUTE), 'full')
  })

  test('a nonce costs a few bytes, also counted from outside', () => {
    const count = 200_000
    const nonces = createNonces({ noncesPerKey: count })
    const before = process.memoryUsage()
    for (let at = 0; at < count; at += 1) nonces.spend('key', `00000000-0000-0000-0000-${at}`, NOW + MINUTE, NOW)
    const after = process.memoryUsage()
    assert.equal(nonces.size, count)
    assert.ok(nonces.bytes / count < 24, `${nonces.bytes / count} bytes a nonce`)
    const buffers = after.arrayBuffers - before.arrayBuffers
    assert.ok(buffers / count < 64, `${buffers / count} bytes of buffers a nonce`)
  })

  test('a table is the set of the hashes added to it', () => {
    const half = fc.oneof(
      fc.constantFrom(0, 1, 256, 0xffffffff),
      fc.nat({ max: 5 }),
      fc.integer({ min: 0, max: 0xffffffff }),
    )
    const property = fc.property(
      fc.array(
        fc.tuple(
          half,
          half.filter((low) => low !== 0),
        ),
        { maxLength: 2000 },
      ),
      (added) => {
        const table = createNonceTable()
        const known = new Set<string>()
        for (const [high, low] of added) {
          const fresh = !known.has(`${high} ${low}`)
          assert.equal(table.has(high, low), !fresh)
          assert.equal(table.add(high, low), fresh)
          known.add(`${high} ${low}`)
        }
        assert.equal(table.size, known.size)
        for (const [high, low] of added) assert.ok(table.has(high, low))
      },
    )
    fc.assert(property, { numRuns: 50 })
  })
})
