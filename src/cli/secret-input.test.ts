import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { Fault } from '../core/fault.ts'
import type { Io } from './io.ts'
import { readSecret } from './secret-input.ts'

function ioOf(text: string, isTTY: boolean): { io: Io; shown: string[] } {
  const shown: string[] = []
  const stdin = Object.assign(Readable.from([Buffer.from(text)]), { isTTY })
  const writer = { write: (chunk: string) => shown.push(chunk) }
  return { io: { stdin, out: writer, err: writer }, shown }
}

test('a secret on standard input loses one line end', async () => {
  const { io } = ioOf('pass word\n\n', false)
  assert.equal(await readSecret({ file: '-', prompt: 'password', option: '--password-file' }, io), 'pass word\n')
})

test('a secret that is typed is asked for and not shown', async () => {
  const { io, shown } = ioOf('hunter2\n', true)
  assert.equal(await readSecret({ prompt: 'password of u', option: '--password-file' }, io), 'hunter2')
  assert.equal(shown.join(''), 'password of u: \n')
})

test('without a terminal the hint says how else to give it', async () => {
  const { io } = ioOf('', false)
  await assert.rejects(
    readSecret({ prompt: 'password', option: '--password-file' }, io),
    (error) => Fault.is(error, 'invalid') && (error.hint?.includes('--password-file') ?? false),
  )
})

test('an empty secret is refused', async () => {
  const { io } = ioOf('\n', false)
  await assert.rejects(readSecret({ file: '-', prompt: 'password', option: '--password-file' }, io), /empty/)
})
