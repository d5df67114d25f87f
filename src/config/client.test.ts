import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Fault } from '../core/fault.ts'
import { loadClientSettings } from './client.ts'

const home = mkdtempSync(join(tmpdir(), 'holdfast-client-'))
after(() => rmSync(home, { recursive: true }))
mkdirSync(join(home, '.config'))
const file = join(home, '.config/holdfast.yaml')

function write(text: string, mode = 0o600): void {
  writeFileSync(file, text)
  chmodSync(file, mode)
}

const WHOLE = { HOLDFAST_ENDPOINT: 'http://e', HOLDFAST_ACCESS_KEY_ID: 'id', HOLDFAST_ACCESS_KEY_SECRET: 's' }

test('flags lie over the environment, that over the file of the user', () => {
  write('endpoint: http://file\naccessKeyId: file-id\naccessKeySecret: file-secret\n')
  const settings = loadClientSettings({ endpoint: 'http://flag/' }, { HOME: home, HOLDFAST_ACCESS_KEY_ID: 'env-id' })
  assert.deepEqual(settings, { endpoint: 'http://flag', accessKeyId: 'env-id', accessKeySecret: 'file-secret' })
})

test('a secret can come from a file of its own', () => {
  const path = join(home, 'secret')
  writeFileSync(path, 'from-file\n')
  const settings = loadClientSettings({}, { ...WHOLE, HOME: '/nonexistent', HOLDFAST_ACCESS_KEY_SECRET_FILE: path })
  assert.equal(settings.accessKeySecret, 'from-file')
})

test('all that is missing is named at once, with every way to give it', () => {
  assert.throws(
    () => loadClientSettings({}, { HOME: '/nonexistent' }),
    (error) =>
      Fault.is(error, 'invalid') &&
      ['HOLDFAST_ENDPOINT', '--access-key-id', 'accessKeySecret'].every((word) => error.message.includes(word)),
  )
})

test('a file that others may read is refused, with the command that mends it', () => {
  write('endpoint: http://file\n', 0o644)
  assert.throws(
    () => loadClientSettings({}, { ...WHOLE, HOME: home }),
    (error) => Fault.is(error, 'forbidden') && (error.hint?.includes(`chmod 600 ${file}`) ?? false),
  )
})

test('an unknown key in the file is refused', () => {
  write('endpiont: http://file\n')
  assert.throws(() => loadClientSettings({}, { ...WHOLE, HOME: home }), /endpiont/)
})

test('an endpoint with a path or without a scheme is refused', () => {
  for (const endpoint of ['localhost:8080', 'http://h/path', 'ftp://h']) {
    assert.throws(() => loadClientSettings({ endpoint }, { ...WHOLE, HOME: '/nonexistent' }), Fault, endpoint)
  }
})
