import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { holdsSecret, withoutSecretOptions } from './facts-secrets.ts'

suite('secrets in settings', () => {
  const secrets: Record<string, string> = {
    primary_conninfo: 'host=a password=hunter2',
    ssl_passphrase_command: 'echo hunter2',
    'pgaudit.token': 'abc',
    'my.api_key': 'abc',
    archive_command: 'AWS_SECRET_ACCESS_KEY=abc aws s3 cp %p s3://b/%f',
    restore_command: 'curl https://user:hunter2@store/%f -o %p',
    archive_cleanup_command: 'tool --password hunter2 %r',
    recovery_end_command: 'tool AKIAIOSFODNN7EXAMPLE',
  }
  for (const [name, value] of Object.entries(secrets)) {
    test(`${name} = ${value.replace('hunter2', '…')} is withheld`, () => assert.ok(holdsSecret(name, value)))
  }

  const open: Record<string, string> = {
    password_encryption: 'scram-sha-256',
    ssl_key_file: 'server.key',
    primary_slot_name: 'replica_1',
    archive_command: 'cp %p /archive/%f',
    primary_conninfo: '',
    synchronous_standby_names: 'FIRST 1 (a, b)',
    log_line_prefix: '%m [%p] ',
  }
  for (const [name, value] of Object.entries(open)) {
    test(`${name} = ${value} is recorded`, () => assert.ok(!holdsSecret(name, value)))
  }

  test('options of pg_hba.conf lose their passwords', () => {
    assert.deepEqual(withoutSecretOptions(['ldapserver=l', 'ldapbindpasswd=x', 'radiussecrets=y']), ['ldapserver=l'])
  })
})
