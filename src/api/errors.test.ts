import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RDS_ERRORS, RdsError } from './errors.ts'

test('every message is whole sentences, and every status one of an error', () => {
  for (const [code, { status, message }] of Object.entries(RDS_ERRORS)) {
    assert.match(message, /^[A-Z].*\.$/, code)
    assert.ok(status >= 400 && status < 600, code)
  }
})

test('an RdsError has the status and the message of its code, or words of its own', () => {
  const error = new RdsError('InvalidAction.NotFound')
  assert.equal(error.status, 404)
  assert.equal(error.message, RDS_ERRORS['InvalidAction.NotFound'].message)
  assert.equal(new RdsError('InvalidParameter', 'Own words.').message, 'Own words.')
})
