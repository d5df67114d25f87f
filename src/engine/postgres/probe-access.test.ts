import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../../core/fault.ts'
import { hbaLine, POOLER, replicationProblem, serviceOf, type Caller } from './probe-access.ts'

const caller: Caller = {
  role: 'backup',
  address: '10.1.2.3',
  encrypted: false,
  passwordEncryption: 'scram-sha-256',
  hbaFile: '/etc/postgresql/15/main/pg_hba.conf',
}
const said = (code: string, message: string) => {
  const cause = Object.assign(new Error(message), { code })
  return new Fault('instance_unreachable', 'connect to 10.1.2.4:5432', { cause })
}

suite('what a refused replication connection means', () => {
  test('a missing line of pg_hba.conf comes with the line', () => {
    const refused = said('28000', 'no pg_hba.conf entry for replication connection from host "10.1.2.3", user "backup"')
    assert.deepEqual(replicationProblem(refused, caller), {
      severity: 'error',
      method: 'Physical',
      what: 'no line of pg_hba.conf lets backup replicate from 10.1.2.3',
      fix: 'Add to /etc/postgresql/15/main/pg_hba.conf, above lines that refuse: host replication backup 10.1.2.3/32 scram-sha-256 and run: SELECT pg_reload_conf();',
    })
  })

  test('the line fits the caller', () => {
    assert.equal(hbaLine({ ...caller, encrypted: true }), 'hostssl replication backup 10.1.2.3/32 scram-sha-256')
    assert.equal(hbaLine({ ...caller, address: 'fd00::7' }), 'host replication backup fd00::7/128 scram-sha-256')
    assert.equal(hbaLine({ ...caller, passwordEncryption: 'md5' }), 'host replication backup 10.1.2.3/32 md5')
    assert.equal(hbaLine({ ...caller, address: null }), 'local replication backup peer')
    assert.equal(hbaLine({ ...caller, role: 'Al "b"' }), 'host replication "Al ""b""" 10.1.2.3/32 scram-sha-256')
    assert.equal(hbaLine({ ...caller, role: 'all' }), 'host replication "all" 10.1.2.3/32 scram-sha-256')
  })

  test('a pooler is told from the server', () => {
    assert.equal(replicationProblem(said('08P01', 'unsupported startup parameter: replication'), caller), POOLER)
    assert.equal(replicationProblem(said('3D000', 'no such database: replication'), caller), POOLER)
  })

  test('what has a check of its own is not said twice', () => {
    assert.equal(replicationProblem(said('42501', 'must be superuser or replication role'), caller), undefined)
    assert.equal(
      replicationProblem(said('53300', 'number of requested standby connections exceeds'), caller),
      undefined,
    )
  })

  test('another refusal is told in the words of the server', () => {
    const problem = replicationProblem(said('28P01', 'password authentication failed for user "backup"'), caller)
    assert.match(problem?.what ?? '', /refused .*: password authentication failed for user "backup"$/)
  })

  test('what is no refusal goes on as it is', () => {
    const gone = new Fault('instance_unreachable', 'connect: connection reset')
    assert.throws(() => replicationProblem(gone, caller), gone)
  })

  test('a managed service is known by its roles', () => {
    assert.equal(serviceOf(['rds_superuser']), 'Amazon RDS or Aurora')
    assert.equal(serviceOf(['azure_pg_admin']), 'Azure Database for PostgreSQL')
    assert.equal(serviceOf([]), undefined)
  })
})
