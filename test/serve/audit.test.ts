import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runHoldfast, startServe, temporaryDirectory } from '../lib/service.ts'

interface Line {
  readonly kind: string
  readonly action: string
  readonly requestId: string
  readonly outcome: string
}

test('what was read until SIGTERM is in the audit, in a file that only its owner reads', async () => {
  await using directory = await temporaryDirectory()
  const local = ['--data-dir', join(directory.path, 'data')]
  await using serve = startServe({ directory: directory.path })
  const url = await serve.url()
  const { command } = await serve.line('no access key: every call is refused until one is made')
  const words = String(command).split(' ')
  const where = words.includes('--data-dir') ? words.slice(words.indexOf('--data-dir')) : local
  const made = await runHoldfast([...words.slice(1), '--json'])
  const key = JSON.parse(made.out) as { AccessKeyId: string; AccessKeySecret: string }
  const env = {
    HOLDFAST_ENDPOINT: url,
    HOLDFAST_ACCESS_KEY_ID: key.AccessKeyId,
    HOLDFAST_ACCESS_KEY_SECRET: key.AccessKeySecret,
  }
  assert.equal((await runHoldfast(['keys', 'list'], env)).code, 0)
  assert.equal((await runHoldfast(['keys', 'remove', 'nobody'], env)).code, 3)
  serve.signal('SIGTERM')
  assert.equal(await serve.exited, 0)

  const exported = await runHoldfast(['audit', 'export', ...where.slice(0, 2)])
  assert.equal(exported.code, 0, exported.err)
  const lines = exported.out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
  assert.deepEqual(
    lines.map(({ kind, action, outcome }) => [kind, action, outcome]),
    [
      ['change', 'keys add --local', 'done'],
      ['change', 'DeleteAccessKey', 'refused'],
      ['call', 'ListAccessKeys', 'done'],
    ],
  )
  assert.ok(!exported.out.includes(key.AccessKeySecret))
  const audit = join(where[1] ?? '', 'audit')
  for (const name of await readdir(audit)) assert.equal((await stat(join(audit, name))).mode & 0o777, 0o600)
})
