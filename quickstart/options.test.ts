import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions, USAGE } from './options.ts'

test('without arguments it goes on serving from a temporary directory', () => {
  assert.deepEqual(parseOptions([]), { once: false, data: undefined, port: undefined, json: false, help: false })
})

test('all options together', () => {
  const options = parseOptions(['--once', '--data', '/tmp/x', '--port=8081', '--json'])
  assert.deepEqual(options, { once: true, data: '/tmp/x', port: 8081, json: true, help: false })
})

test('what is no port, an unknown option and a stray word are refused', () => {
  for (const port of ['0', '65536', '1e3', '-1', ' 80', '']) assert.throws(() => parseOptions([`--port=${port}`]), port)
  assert.throws(() => parseOptions(['--often']), /--often/)
  assert.throws(() => parseOptions(['now']), /now/)
  assert.throws(() => parseOptions(['--data=']), /--data/)
})

test('the usage names every option', () => {
  for (const option of ['--once', '--data DIR', '--port N', '--json']) assert.ok(USAGE.includes(option), option)
})
