import assert from 'node:assert/strict'
import { test } from 'node:test'
import { release } from './release.ts'

test('a released buffer has no memory any more', () => {
  const bytes = Buffer.allocUnsafeSlow(1024 * 1024)
  const before = process.memoryUsage().arrayBuffers
  release(bytes)
  assert.equal(bytes.buffer.byteLength, 0)
  assert.ok(before - process.memoryUsage().arrayBuffers >= 1024 * 1024)
})

test('memory that small buffers share is not taken from the others', () => {
  const [mine, other] = [Buffer.from('mine'), Buffer.from('other')]
  release(mine)
  assert.equal(other.toString(), 'other')
})
