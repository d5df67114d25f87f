import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../core/fault.ts'
import { reasonToStop } from './kept-wal.ts'

test('a backup goes on while the limit is further away than what came since the last look', () => {
  assert.equal(reasonToStop({ kept: 60, before: 40, maxBytes: 81 }), undefined)
  assert.equal(reasonToStop({ kept: 60, before: 60, maxBytes: 61 }), undefined)
  assert.equal(reasonToStop({ kept: 60, before: 90, maxBytes: 61 }), undefined)
})

test('it stops, with the reason, before the limit would be passed', () => {
  const fault = reasonToStop({ kept: 60, before: 40, maxBytes: 80 })
  assert.ok(Fault.is(fault, 'engine_failed'))
  assert.match(fault.message, /keeps 60 bytes of WAL for it, the limit is 80/)
  assert.match(fault.hint ?? '', /maxKeptWalBytes/)
})
