import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseHttpDate } from '../lib/time.ts'
import { judgeConditions, parseRange, rangeStillHolds } from './range.ts'

const part = (start: number, end: number) => ({ kind: 'part', start, end })
const WHOLE = { kind: 'whole' }
const UNSATISFIABLE = { kind: 'unsatisfiable' }

test('a range of bytes is both ends included', () => {
  assert.deepEqual(parseRange('bytes=0-0', 10), part(0, 1))
  assert.deepEqual(parseRange('bytes=2-5', 10), part(2, 6))
  assert.deepEqual(parseRange('bytes=9-9', 10), part(9, 10))
  assert.deepEqual(parseRange('Bytes=2-5', 10), part(2, 6))
})

test('an open range goes to the end, and a suffix comes from it', () => {
  assert.deepEqual(parseRange('bytes=4-', 10), part(4, 10))
  assert.deepEqual(parseRange('bytes=-4', 10), part(6, 10))
  assert.deepEqual(parseRange('bytes=-40', 10), part(0, 10))
})

test('a range that ends past the end is cut there', () => assert.deepEqual(parseRange('bytes=8-100', 10), part(8, 10)))

test('a range that begins past the end cannot be given', () => {
  assert.deepEqual(parseRange('bytes=10-', 10), UNSATISFIABLE)
  assert.deepEqual(parseRange('bytes=10-20', 10), UNSATISFIABLE)
  assert.deepEqual(parseRange('bytes=-0', 10), UNSATISFIABLE)
  assert.deepEqual(parseRange('bytes=0-', 0), UNSATISFIABLE)
  assert.deepEqual(parseRange('bytes=99999999999999999999999-', 10), UNSATISFIABLE)
})

test('what is no range of bytes, and more than one, mean the whole', () => {
  const headers = [
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes=5-2',
    'lines=1-2',
    'bytes=a-b',
    'bytes=1',
    'bytes=0-1,3-4',
  ]
  for (const header of headers) assert.deepEqual(parseRange(header, 10), WHOLE, String(header))
})

test('any range gives a piece that lies inside the object', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.option(fc.nat(60)), fc.option(fc.nat(60)), (size, first, last) => {
      const answer = parseRange(`bytes=${first ?? ''}-${last ?? ''}`, size)
      if (answer.kind !== 'part') return
      assert.ok(answer.start >= 0 && answer.start < answer.end && answer.end <= size)
    }),
  )
})

const version = { etag: '"abc"', modifiedAt: Date.parse('2026-01-02T03:04:05Z') }
const AT = 'Fri, 02 Jan 2026 03:04:05 GMT'
const BEFORE = 'Fri, 02 Jan 2026 03:04:04 GMT'
const AFTER = 'Fri, 02 Jan 2026 03:04:06 GMT'
const judge = (headers: Record<string, string>) => judgeConditions(headers, version, parseHttpDate)

test('conditions come to what RFC 9110 says', () => {
  assert.equal(judge({}), 'proceed')
  assert.equal(judge({ 'if-match': '"abc"' }), 'proceed')
  assert.equal(judge({ 'if-match': '"x", "abc"' }), 'proceed')
  assert.equal(judge({ 'if-match': '*' }), 'proceed')
  assert.equal(judge({ 'if-match': '"x"' }), 'failed')
  assert.equal(judge({ 'if-match': 'W/"abc"' }), 'failed')
  assert.equal(judge({ 'if-unmodified-since': BEFORE }), 'failed')
  assert.equal(judge({ 'if-unmodified-since': AT }), 'proceed')
  assert.equal(judge({ 'if-match': '"abc"', 'if-unmodified-since': BEFORE }), 'proceed')
  assert.equal(judge({ 'if-none-match': '"abc"' }), 'not modified')
  assert.equal(judge({ 'if-none-match': 'W/"abc"' }), 'not modified')
  assert.equal(judge({ 'if-none-match': '"x"' }), 'proceed')
  assert.equal(judge({ 'if-modified-since': AT }), 'not modified')
  assert.equal(judge({ 'if-modified-since': AFTER }), 'not modified')
  assert.equal(judge({ 'if-modified-since': BEFORE }), 'proceed')
  assert.equal(judge({ 'if-none-match': '"x"', 'if-modified-since': AFTER }), 'proceed')
  assert.equal(judge({ 'if-modified-since': 'yesterday' }), 'proceed')
})

test('a range holds only for the version that it is part of', () => {
  const holds = (headers: Record<string, string>) => rangeStillHolds(headers, version, parseHttpDate)
  assert.ok(holds({}))
  assert.ok(holds({ 'if-range': '"abc"' }))
  assert.ok(holds({ 'if-range': AT }))
  assert.ok(!holds({ 'if-range': '"x"' }))
  assert.ok(!holds({ 'if-range': 'W/"abc"' }))
  assert.ok(!holds({ 'if-range': AFTER }))
  assert.ok(!holds({ 'if-range': 'soon' }))
})
