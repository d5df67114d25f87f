import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { startService, type E2eService } from './service.ts'
import { proveRoundTrip, register } from './sets.ts'

const run = promisify(execFile)

/** A certificate authority, and a server's key and certificate for `localhost` of it. */
async function makeCertificates(directory: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: directory })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test ca')
  await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost')
  await writeFile(join(directory, 'names'), 'subjectAltName=DNS:localhost\n')
  const sign = ['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial']
  await openssl(...sign, '-days', '2', '-extfile', 'names', '-out', 'server.pem')
}

for (const version of [15, 18] as const) {
  suite(`PostgreSQL ${version} that lets our role in over TLS alone`, () => {
    let directory: string
    let server: TestServer
    let service: E2eService
    before(async () => {
      const account = await databaseAccount()
      directory = await makeDirectoryFor(account, 'holdfast-tls-', '/tmp')
      await makeCertificates(directory)
      await giveTo(directory, account)
      service = await startService()
      server = await startPostgres({
        version,
        settings: { ssl: 'on', ssl_cert_file: `${directory}/server.pem`, ssl_key_file: `${directory}/server.key` },
        hba: ['all', 'replication'].map((database) => `hostnossl ${database} keeper all reject`),
      })
      await server.query('create table t as select g, md5(g::text) from generate_series(1, 5000) g')
      await server.query(`create role keeper login replication password 'only over TLS' in role pg_monitor`)
    })
    after(async () => {
      await service[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await rm(directory, { recursive: true })
    })

    const login = { user: 'keeper', password: 'only over TLS' }
    const at = (host: string) => [{ address: { ...server.address, ...login, host } }]
    const verify = (file: string) => ['--ssl-mode', 'verify-full', '--ssl-root-cert', join(directory, file)]

    test('is refused without TLS, by another authority, and under another name', async () => {
      await assert.rejects(register(service, 'plain', at('localhost'), ['--ssl-mode', 'disable']), /pg_hba|encryption/i)
      await assert.rejects(register(service, 'other', at('localhost'), verify('server.pem')), /certificate/i)
      await assert.rejects(
        register(service, 'name', at('127.0.0.1'), verify('ca.pem')),
        /127\.0\.0\.1.*certificate|certificate.*127\.0\.0\.1/is,
      )
    })

    test('is backed up over TLS with its certificate and name checked', async () => {
      await register(service, 'verified', at('localhost'), verify('ca.pem'))
      await proveRoundTrip(service, 'verified', server)
    })
  })
}
