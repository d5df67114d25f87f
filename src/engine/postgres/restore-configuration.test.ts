import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { PostgresFacts } from '../../core/manifest.ts'
import { makeConfiguration, quoteSetting, type Machine } from './restore-configuration.ts'

const machine: Machine = {
  memory: 64 * 2 ** 30,
  hasLibrary: () => true,
  hasLocale: () => true,
  hasFile: () => false,
}

const facts = (change: Partial<PostgresFacts>): PostgresFacts => ({
  systemIdentifier: '1',
  timeline: 1,
  startLsn: '0/0',
  endLsn: '0/0',
  serverVersion: 150_018,
  serverVersionText: '15.18',
  architecture: 'x86_64',
  blockSize: 8192,
  walSegmentSize: 16_777_216,
  dataChecksums: true,
  pageChecksums: 'passed',
  badPages: [],
  collations: [],
  extensions: [],
  preloadLibraries: [],
  settings: {},
  hbaRules: [],
  identRules: [],
  configInDataDirectory: true,
  dataDirectoryMode: '0700',
  tablespaces: [],
  fromReplica: false,
  ...change,
})

interface Given {
  readonly settings?: Record<string, string>
  readonly change?: Partial<PostgresFacts>
  readonly machine?: Partial<Machine>
  readonly keepSideEffects?: boolean
}

function make({ settings = {}, change = {}, machine: has = {}, keepSideEffects = false }: Given) {
  return makeConfiguration({
    facts: facts({ settings, ...change }),
    machine: { ...machine, ...has },
    port: 23_456,
    socketDirectory: '/target/socket',
    keepSideEffects,
  })
}

/** The value that PostgreSQL would take: that of the last line with this name. */
function effective(text: string, name: string): string | undefined {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} = `))
  return lines.at(-1)?.slice(name.length + 3)
}

suite('the configuration of a restored server', () => {
  test('takes over what was set', () => {
    const { postgresql, warnings } = make({ settings: { work_mem: '64MB', 'my.note': "it's \\ here" } })
    assert.equal(effective(postgresql, 'work_mem'), "'64MB'")
    assert.equal(effective(postgresql, 'my.note'), String.raw`'it''s \\ here'`)
    assert.deepEqual(warnings, [])
  })

  const lifted = {
    archive_mode: 'on',
    archive_command: 'cp %p /archive/%f',
    archive_library: 'basic_archive',
    primary_slot_name: 'slot',
    synchronous_standby_names: '*',
    max_logical_replication_workers: '4',
    listen_addresses: '*',
    port: '5432',
    unix_socket_directories: '/var/run/postgresql',
    logging_collector: 'on',
    log_destination: 'syslog',
  }

  test('touches nothing of the surroundings of its source', () => {
    const { postgresql, port } = make({ settings: lifted })
    const expected = {
      archive_mode: 'off',
      archive_command: '',
      archive_library: '',
      primary_conninfo: '',
      primary_slot_name: '',
      synchronous_standby_names: '',
      max_logical_replication_workers: '0',
      listen_addresses: '127.0.0.1',
      port: '23456',
      unix_socket_directories: '/target/socket',
      logging_collector: 'off',
      log_destination: 'stderr',
    }
    for (const [name, value] of Object.entries(expected)) assert.equal(effective(postgresql, name), `'${value}'`, name)
    assert.equal(port, 23_456)
  })

  test('keeps the side effects when that is asked for', () => {
    const { postgresql, port, hba, ident } = make({
      settings: lifted,
      change: {
        hbaRules: ['host all all 10.0.0.0/8 scram-sha-256'],
        identRules: ['map a b'],
        preloadLibraries: ['pg_cron'],
      },
      machine: { hasFile: (path) => path === '/var/run/postgresql' },
      keepSideEffects: true,
    })
    for (const [name, value] of Object.entries(lifted)) {
      if (name !== 'unix_socket_directories') assert.equal(effective(postgresql, name), `'${value}'`, name)
    }
    assert.equal(effective(postgresql, 'unix_socket_directories'), "'/target/socket, /var/run/postgresql'")
    assert.equal(effective(postgresql, 'shared_preload_libraries'), "'pg_cron'")
    assert.equal(port, 5432)
    assert.match(hba, /^host all all 10\.0\.0\.0\/8 scram-sha-256$/m)
    assert.match(ident, /^map a b$/m)
  })

  test('lets nobody in over the network without a password, and takes no rule of the source', () => {
    const { hba, ident } = make({ change: { hbaRules: ['host all all 0.0.0.0/0 trust'], identRules: ['map a b'] } })
    const rules = hba.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    assert.deepEqual(rules, [
      'local all all trust',
      'host all all 127.0.0.1/32 md5',
      'host all all ::1/128 md5',
      'host replication all 127.0.0.1/32 md5',
      'host replication all ::1/128 md5',
    ])
    assert.equal(ident, '')
  })

  test('never takes over where the files of the source are', () => {
    const settings = {
      data_directory: '/live/data',
      config_file: '/etc/postgresql/15/main/postgresql.conf',
      hba_file: '/etc/pg_hba.conf',
      ident_file: '/etc/pg_ident.conf',
      external_pid_file: '/run/postgresql.pid',
    }
    for (const keepSideEffects of [false, true]) {
      const { postgresql } = make({ settings, keepSideEffects })
      for (const name of Object.keys(settings)) assert.equal(effective(postgresql, name), undefined, name)
    }
  })

  test('holds no absolute path but its own', () => {
    const settings = { stats_temp_directory: '/run/stats', log_directory: '/var/log', 'my.file': '/live/file' }
    const paths = make({ settings }).postgresql.match(/'\/[^']*'/g)
    assert.deepEqual(paths, ["'/target/socket'"])
  })

  test('leaves job libraries out and says so, and keeps the others', () => {
    const { postgresql, warnings } = make({
      change: { preloadLibraries: ['pg_stat_statements', 'pg_cron', 'timescaledb'] },
    })
    assert.equal(effective(postgresql, 'shared_preload_libraries'), "'pg_stat_statements, timescaledb'")
    assert.equal(effective(postgresql, 'timescaledb.max_background_workers'), "'0'")
    assert.match(warnings.join(), /left out of shared_preload_libraries, since they do things by themselves: pg_cron/)
  })

  test('leaves out libraries that are not here, and says which package may have them', () => {
    const { postgresql, warnings } = make({
      settings: { session_preload_libraries: 'auto_explain, gone' },
      change: { preloadLibraries: ['gone'] },
      machine: { hasLibrary: (name) => name !== 'gone' },
    })
    assert.equal(effective(postgresql, 'shared_preload_libraries'), undefined)
    assert.equal(effective(postgresql, 'session_preload_libraries'), "'auto_explain'")
    assert.match(warnings.join(), /not installed here: gone; .*postgresql-15-NAME/)
  })

  test('keeps a library of which nobody can tell whether it is here', () => {
    const { postgresql } = make({ change: { preloadLibraries: ['x'] }, machine: { hasLibrary: () => undefined } })
    assert.equal(effective(postgresql, 'shared_preload_libraries'), "'x'")
  })

  test('turns TLS off unless its files came with the set', () => {
    const settings = { ssl: 'on', ssl_cert_file: '/etc/ssl/cert.pem', ssl_key_file: '/etc/ssl/key.pem' }
    const off = make({ settings, machine: { hasFile: () => true } })
    assert.equal(effective(off.postgresql, 'ssl'), "'off'")
    assert.equal(effective(off.postgresql, 'ssl_cert_file'), undefined)
    assert.match(off.warnings.join(), /TLS is off: the set does not hold \/etc\/ssl\/cert\.pem/)
    const on = make({ settings: { ssl: 'on' }, machine: { hasFile: (path) => /^server\.(crt|key)$/.test(path) } })
    assert.equal(effective(on.postgresql, 'ssl'), "'on'")
    assert.deepEqual(on.warnings, [])
  })

  test('uses the C locale for messages where the own one is not here', () => {
    const { postgresql, warnings } = make({
      settings: { lc_messages: 'de_DE.UTF-8', lc_time: 'C' },
      machine: { hasLocale: (name) => name === 'C' },
    })
    assert.equal(effective(postgresql, 'lc_messages'), "'C'")
    assert.equal(warnings.length, 1)
  })

  test('asks for no more shared memory than this machine can give', () => {
    const { postgresql, warnings } = make({ settings: { shared_buffers: '40GB' } })
    assert.equal(effective(postgresql, 'shared_buffers'), "'16384MB'")
    assert.match(warnings.join(), /shared_buffers is 16384MB instead of 40GB/)
    assert.equal(effective(make({ settings: { shared_buffers: '8GB' } }).postgresql, 'shared_buffers'), "'8GB'")
  })

  test('a recorded name or rule that is more than one is left out', () => {
    const { postgresql, hba } = make({
      settings: { 'a = 1\nrestore_command': 'evil', 'x y': '1', "include '/etc/evil' #": '1' },
      change: { hbaRules: ['local all all peer\nhost all all all trust'] },
      keepSideEffects: true,
    })
    assert.doesNotMatch(postgresql, /evil|x y/)
    assert.doesNotMatch(hba, /trust/)
  })

  test('has only settings that the version knows', () => {
    const of = (serverVersion: number) => make({ change: { serverVersion } }).postgresql
    assert.equal(effective(of(140_005), 'archive_library'), undefined)
    assert.equal(effective(of(180_004), 'sync_replication_slots'), "'off'")
    assert.equal(effective(of(150_018), 'sync_replication_slots'), undefined)
  })

  test('a quoted value is one line and ends where it should', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const quoted = quoteSetting(value)
        assert.match(quoted, /^'(?:[^'\\\n\r]|''|\\[\\nr])*'$/)
        const read = quoted
          .slice(1, -1)
          .replaceAll(/''|\\[\\nr]/g, (two) => ({ "''": "'", '\\\\': '\\', '\\n': '\n', '\\r': '\r' })[two] ?? '')
        assert.equal(read, value)
      }),
    )
  })
})
