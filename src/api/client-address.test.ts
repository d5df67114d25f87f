import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../core/fault.ts'
import { createClientFinder } from './client-address.ts'

const find = (trusted: string[], address: string, forwardedFor?: string, forwardedProto?: string, secure = false) =>
  createClientFinder(trusted)({ address, secure, forwardedFor, forwardedProto })

suite('the client of a request', () => {
  test('is who connects, when no proxy is trusted, whatever headers say', () => {
    assert.deepEqual(find([], '192.0.2.1', '10.0.0.1', 'https'), { address: '192.0.2.1', secure: false })
    assert.deepEqual(find(['10.0.0.0/8'], '192.0.2.1', '10.0.0.1', 'https'), { address: '192.0.2.1', secure: false })
  })

  test('is whom a trusted proxy names, the last that is no proxy itself', () => {
    const trusted = ['10.0.0.0/8', '2001:db8::/32']
    assert.deepEqual(find(trusted, '10.1.2.3', '198.51.100.7'), { address: '198.51.100.7', secure: false })
    assert.equal(find(trusted, '10.1.2.3', '6.6.6.6, 198.51.100.7, 10.9.9.9').address, '198.51.100.7')
    assert.equal(find(trusted, '2001:db8::1', '198.51.100.7').address, '198.51.100.7')
    assert.equal(find(trusted, '10.1.2.3', '10.0.0.1, 10.0.0.2').address, '10.0.0.1')
  })

  test('is the proxy where it names nobody, or what is no address', () => {
    assert.equal(find(['10.0.0.1'], '10.0.0.1').address, '10.0.0.1')
    assert.equal(find(['10.0.0.1'], '10.0.0.1', 'unknown').address, '10.0.0.1')
  })

  test('of a socket of both families is shown and trusted as IPv4', () => {
    assert.equal(find(['10.0.0.0/8'], '::ffff:10.0.0.1', '198.51.100.7').address, '198.51.100.7')
    assert.equal(find([], '::ffff:192.0.2.1').address, '192.0.2.1')
  })

  test('is secure as the connection is, or as a trusted proxy says', () => {
    assert.equal(find(['10.0.0.1'], '10.0.0.1', '1.1.1.1', 'https').secure, true)
    assert.equal(find(['10.0.0.1'], '10.0.0.1', '1.1.1.1', 'http', true).secure, false)
    assert.equal(find(['10.0.0.1'], '10.0.0.1', '1.1.1.1', undefined, true).secure, true)
  })

  test('what is no address and no block cannot be trusted', () => {
    for (const text of ['proxy.example', '10.0.0.0/33', '']) {
      assert.throws(
        () => createClientFinder([text]),
        (error) => Fault.is(error, 'invalid') && error.hint !== undefined,
      )
    }
  })
})
