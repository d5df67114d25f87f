import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { spawn } from './spawn.ts'

const fail = (message: string, cause?: unknown) => new Error(message, { cause })
const sh = (script: string, options: { secrets?: string[]; input?: string; signal?: AbortSignal } = {}) =>
  spawn('/bin/sh', ['-c', script], { fail, ...options })

suite('spawn', () => {
  test('gives what the program printed', async () => {
    assert.deepEqual(await sh('cat; echo warned >&2', { input: 'in' }), { stdout: 'in', stderr: 'warned\n' })
  })

  test('an exit code other than 0 fails with the end of stderr', async () => {
    await assert.rejects(sh('echo first >&2; echo why >&2; exit 3'), { message: 'run sh: exited with 3: first; why' })
  })

  test('a killed program fails and says by what', async () => {
    await assert.rejects(sh('kill -9 $$'), { message: 'run sh: was killed by SIGKILL' })
  })

  test('a missing program is named', async () => {
    await assert.rejects(spawn('/nowhere/pg_ctl', [], { fail }), { message: 'run pg_ctl: not found' })
  })

  test('secrets are cut out of what is shown, and arguments never are', async () => {
    const secrets = ['hunter2']
    const done = await sh('echo hunter2; echo a hunter2 b >&2', { secrets })
    assert.deepEqual(done, { stdout: '[secret]\n', stderr: 'a [secret] b\n' })
    await assert.rejects(sh(': argument; echo password hunter2 >&2; exit 1', { secrets }), {
      message: 'run sh: exited with 1: password [secret]',
    })
  })

  test('only the last 16 KiB of stderr are kept', async () => {
    const { stderr } = await sh(
      'i=0; while [ $i -lt 2000 ]; do echo "line $i of many many many many" >&2; i=$((i+1)); done',
    )
    assert.equal(stderr.length, 16_384)
    assert.ok(stderr.endsWith('line 1999 of many many many many\n'))
  })

  test('a program that prints without end is stopped', async () => {
    await assert.rejects(spawn('/usr/bin/yes', [], { fail }), { message: /^run yes: printed too much/ })
  })

  test('an abort ends the program and rejects with the reason', async () => {
    const reason = new Error('enough')
    const abort = new AbortController()
    const running = sh('exec sleep 60', { signal: abort.signal })
    abort.abort(reason)
    await assert.rejects(running, reason)
    await assert.rejects(sh('true', { signal: AbortSignal.abort(reason) }), reason)
  })

  test('a program that does not read its input is judged by its exit code', async () => {
    await sh('exec true', { input: 'x'.repeat(1_000_000) })
  })
})
