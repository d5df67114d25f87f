import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { Fault } from '../../src/core/fault.ts'
import { SSL_MODES, type NodeAddress, type SslMode } from '../../src/core/instance.ts'
import { databaseArgument, openClientSession } from '../../src/engine/postgres/client-session.ts'
import { connect, connectReplication } from '../../src/engine/postgres/connect.ts'
import { readProgram } from '../../src/lib/program.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { takeLogical } from '../logical/world.ts'
import { bringBack, takeBackup } from './backup-world.ts'

const run = promisify(execFile)

/** Makes an authority, and a certificate of it for 127.0.0.1 alone, and gives the authority as PEM. */
async function certify(server: TestServer): Promise<string> {
  const directory = join(server.directory, 'tls')
  await mkdir(directory)
  const at = (name: string) => join(directory, name)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await run('openssl', [
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
    '-subj',
    '/CN=An authority',
  ])
  await run('openssl', ['req', ...key, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=elsewhere'])
  await writeFile(at('names'), 'subjectAltName=IP:127.0.0.1\n')
  const signed = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('names'), '-days', '2']
  await run('openssl', ['x509', '-req', '-in', at('server.csr'), ...signed, '-out', at('server.crt')])
  await chmod(at('server.key'), 0o600)
  await giveTo(directory, server.account)
  await server.query(`alter system set ssl_key_file = '${at('server.key')}'`)
  await server.query(`alter system set ssl_cert_file = '${at('server.crt')}'`)
  await server.query('alter system set ssl = on')
  await server.stop()
  await server.start()
  return readFile(at('ca.crt'), 'utf8')
}

const HBA = [
  'hostssl all only_tls 127.0.0.1/32 scram-sha-256',
  'host all only_tls 127.0.0.1/32 reject',
  'hostnossl all only_plain 127.0.0.1/32 scram-sha-256',
  'host all only_plain 127.0.0.1/32 reject',
]

suite('sslmode, as libpq means it', () => {
  let plain: TestServer
  let server: TestServer
  let authority: string
  let stranger: string

  before(async () => {
    plain = await startPostgres({ version: 15, settings: { ssl: 'off' } })
    server = await startPostgres({ version: 15, hba: HBA })
    authority = await certify(server)
    const other = join(server.directory, 'other')
    const subject = ['-subj', '/CN=Another authority', '-keyout', `${other}.key`, '-out', `${other}.crt`]
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      ...subject,
    ])
    stranger = await readFile(`${other}.crt`, 'utf8')
    for (const role of ['only_tls', 'only_plain']) await server.query(`create role ${role} login password 'p'`)
  })
  after(async () => {
    await plain[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  /** `tls` or `plain` as the server sees the connection; the code of the fault when there is none. */
  const outcome = async (address: NodeAddress): Promise<string> => {
    try {
      await using connection = await connect(address)
      const [row] = await connection.ask<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
      return row?.ssl === true ? 'tls' : 'plain'
    } catch (error) {
      return Fault.is(error) ? error.code : String(error)
    }
  }
  const outcomes = async (to: (mode: SslMode) => NodeAddress) =>
    Object.fromEntries(await Promise.all(SSL_MODES.map(async (mode) => [mode, await outcome(to(mode))] as const)))

  test('a server with a certificate of the authority that is named', async () => {
    const found = await outcomes((sslMode) => ({ ...server.address, sslMode, sslRootCert: authority }))
    assert.deepEqual(found, {
      disable: 'plain',
      allow: 'plain',
      prefer: 'tls',
      require: 'tls',
      'verify-ca': 'tls',
      'verify-full': 'tls',
    })
  })

  test('a server whose certificate is for another name', async () => {
    const found = await outcomes((sslMode) => ({
      ...server.address,
      host: 'localhost',
      sslMode,
      sslRootCert: authority,
    }))
    assert.deepEqual([found['verify-ca'], found['verify-full']], ['tls', 'instance_unreachable'])
  })

  test('a server with a certificate of somebody else', async () => {
    const named = await outcomes((sslMode) => ({ ...server.address, sslMode, sslRootCert: stranger }))
    assert.deepEqual(
      [named['prefer'], named['require'], named['verify-ca'], named['verify-full']],
      ['tls', 'instance_unreachable', 'instance_unreachable', 'instance_unreachable'],
    )
    const unnamed = await outcomes((sslMode) => ({ ...server.address, sslMode }))
    assert.deepEqual(
      [unnamed['prefer'], unnamed['require'], unnamed['verify-ca'], unnamed['verify-full']],
      ['tls', 'tls', 'instance_unreachable', 'instance_unreachable'],
    )
  })

  test('a server without TLS', async () => {
    assert.deepEqual(await outcomes((sslMode) => ({ ...plain.address, sslMode })), {
      disable: 'plain',
      allow: 'plain',
      prefer: 'plain',
      require: 'instance_unreachable',
      'verify-ca': 'instance_unreachable',
      'verify-full': 'instance_unreachable',
    })
  })

  test('allow and prefer try the other kind where pg_hba.conf wants it, never with a wrong password', async () => {
    const as = (user: string, password: string) => (sslMode: SslMode) => ({
      ...server.address,
      user,
      password,
      sslMode,
    })
    const tls = await outcomes(as('only_tls', 'p'))
    assert.deepEqual(
      [tls['disable'], tls['allow'], tls['prefer'], tls['require']],
      ['instance_unready', 'tls', 'tls', 'tls'],
    )
    const no = await outcomes(as('only_plain', 'p'))
    assert.deepEqual(
      [no['disable'], no['allow'], no['prefer'], no['require']],
      ['plain', 'plain', 'plain', 'instance_unready'],
    )
    const wrong = await outcomes(as('only_tls', 'wrong'))
    assert.deepEqual([wrong['prefer'], wrong['require']], ['instance_unready', 'instance_unready'])
  })

  test('a refusal says where and as whom, gives a hint, and never the password', async () => {
    const address: NodeAddress = { ...server.address, password: 'very secret', sslMode: 'prefer' }
    await assert.rejects(connect(address), (error) => {
      assert.ok(Fault.is(error, 'instance_unready'))
      assert.match(error.message, /127\.0\.0\.1:\d+ as postgres/)
      assert.match(error.hint ?? '', /password/)
      assert.ok(!`${error.message} ${error.hint} ${String(error.stack)} ${String(error.cause)}`.includes('very secret'))
      return true
    })
  })

  test('a backup over TLS comes back', async () => {
    const taken = await takeBackup({ ...server.address, sslMode: 'verify-full', sslRootCert: authority })
    await using back = await bringBack(server, taken)
    assert.ok(back.port > 0)
  })

  test('the client programs of a logical backup come as we do, whatever TLS is asked for', async () => {
    await server.query('create table if not exists dumped as select 1 as a')
    await server.query('grant pg_read_all_data to only_tls, only_plain')
    const dump = async (user: string, more: Partial<NodeAddress>) => {
      const set = await takeLogical({ ...server.address, user, password: 'p', ...more })
      assert.equal(set.manifest.parts.length, 2)
    }
    for (const sslMode of ['allow', 'prefer', 'require'] as const) await dump('only_tls', { sslMode })
    for (const sslMode of ['verify-ca', 'verify-full'] as const) {
      await dump('only_tls', { sslMode, sslRootCert: authority })
      await assert.rejects(dump('only_tls', { sslMode, sslRootCert: stranger }))
    }
    for (const sslMode of ['disable', 'prefer'] as const) await dump('only_plain', { sslMode })
  })

  test('a program that does not trust the server says so, and not the password', async () => {
    const address = {
      ...server.address,
      password: 'very secret',
      sslMode: 'verify-full',
      sslRootCert: stranger,
    } as const
    await using session = await openClientSession(address)
    const args = ['--no-password', databaseArgument('postgres')]
    const dumped = readProgram('/usr/lib/postgresql/15/bin/pg_dump', args, session.options('engine_failed', 'dump'))
    await assert.rejects(Array.fromAsync(dumped), (error) => {
      assert.ok(Fault.is(error, 'engine_failed'))
      assert.match(error.message, /certificate verify failed/)
      assert.ok(!error.message.includes('very secret'))
      return true
    })
  })

  for (const sslMode of ['disable', 'require'] as const) {
    test(`the socket of a ${sslMode} connection is ours alone once taken over from this version of pg`, async () => {
      await using connection = await connectReplication({ ...server.address, sslMode })
      const socket = connection.takeOver()
      assert.equal(socket instanceof TLSSocket, sslMode === 'require')
      assert.equal(socket.listenerCount('data'), 0)
      const answer: Buffer[] = []
      socket.on('data', (chunk: Buffer) => answer.push(chunk))
      socket.resume()
      const query = Buffer.from('Q\0\0\0\x14IDENTIFY_SYSTEM\0', 'latin1')
      const over = new Promise<void>((resolve) => {
        socket.on(
          'data',
          () => Buffer.concat(answer).subarray(-6).equals(Buffer.from('Z\0\0\0\x05I', 'latin1')) && resolve(),
        )
      })
      socket.write(query)
      await over
      assert.match(Buffer.concat(answer).toString('latin1'), /^T.*systemid/s)
      socket.destroy()
    })
  }
})
