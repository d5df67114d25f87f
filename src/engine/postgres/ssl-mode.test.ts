import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PeerCertificate } from 'node:tls'
import type { NodeAddress, SslMode } from '../../core/instance.ts'
import { attemptsOf, worthAnother, type TlsAttempt } from './ssl-mode.ts'

const address = (sslMode: SslMode, change: Partial<NodeAddress> = {}): NodeAddress => ({
  host: '10.1.2.3',
  port: 5432,
  user: 'u',
  sslMode,
  ...change,
})

const kind = (attempt: TlsAttempt) =>
  attempt === false ? 'plain' : attempt.rejectUnauthorized === true ? 'verified' : 'tls'

suite('sslmode', () => {
  test('says which attempts are made, in which order', () => {
    const attempts = (mode: SslMode, sslRootCert?: string) => attemptsOf(address(mode, { sslRootCert })).map(kind)
    assert.deepEqual(attempts('disable'), ['plain'])
    assert.deepEqual(attempts('allow'), ['plain', 'tls'])
    assert.deepEqual(attempts('prefer'), ['tls', 'plain'])
    assert.deepEqual(attempts('require'), ['tls'])
    assert.deepEqual(attempts('require', 'PEM'), ['verified'])
    assert.deepEqual(attempts('verify-ca'), ['verified'])
    assert.deepEqual(attempts('verify-full'), ['verified'])
  })

  test('a socket in the file system has no TLS', () => {
    assert.deepEqual(attemptsOf(address('verify-full', { host: '/run/postgresql' })), [false])
  })

  const heldAgainst = (mode: SslMode, subjectaltname: string) => {
    const [attempt] = attemptsOf(address(mode))
    assert.ok(attempt && attempt.checkServerIdentity)
    const certificate = { subject: { CN: 'other' }, subjectaltname } as unknown as PeerCertificate
    return attempt.checkServerIdentity('localhost', certificate)
  }

  test('verify-full holds the certificate against the address that was given, whatever name TLS was told', () => {
    assert.equal(heldAgainst('verify-full', 'IP Address:10.1.2.3'), undefined)
    assert.match(heldAgainst('verify-full', 'DNS:localhost')?.message ?? '', /10\.1\.2\.3/)
  })

  test('verify-ca takes any name', () => {
    assert.equal(heldAgainst('verify-ca', 'DNS:elsewhere'), undefined)
  })

  test('the other attempt is made where it may do better, and not with a wrong password', () => {
    const said = (code: string) => Object.assign(new Error('no'), { code })
    assert.equal(worthAnother(said('28000')), true)
    assert.equal(worthAnother(said('28P01')), false)
    assert.equal(worthAnother(said('53300')), false)
    assert.equal(worthAnother(new Error('The server does not support SSL connections')), true)
    assert.equal(worthAnother(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })), false)
  })
})
