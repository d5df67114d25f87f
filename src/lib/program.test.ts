import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { feedProgram, readProgram, type ProgramOptions } from './program.ts'

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-program-'))
after(() => rm(scratch, { recursive: true, force: true }))

const OPTIONS: ProgramOptions = {
  env: { PATH: '/usr/bin:/bin', SECRET: 'hush' },
  secrets: ['hush'],
  fail: (message, cause) => new Error(message, { cause }),
}

const shell = (script: string, options: Partial<ProgramOptions> = {}) =>
  readProgram('/bin/sh', ['-c', script], { ...OPTIONS, ...options })

const textOf = async (bytes: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(bytes)).toString()

async function* bytes(times: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < times; at++) yield Buffer.alloc(65_536, at)
}

test('a program that ends well gives all it wrote', async () => {
  assert.equal((await textOf(shell('head -c 3000000 /dev/zero; printf end'))).length, 3_000_003)
})

test('a program that fails, is killed or is not there never looks like the end of its bytes', async () => {
  await assert.rejects(textOf(shell('printf part; echo why >&2; exit 3')), /run sh: exited with 3: why/)
  await assert.rejects(textOf(shell('printf part; kill -9 $$')), /was killed by SIGKILL/)
  await assert.rejects(textOf(readProgram('/nowhere/tool', [], OPTIONS)), /run tool: not found/)
})

test('what it said is shown without secrets, and its environment has nothing of ours', async () => {
  await assert.rejects(textOf(shell('echo "password $SECRET" >&2; exit 1')), /password \[secret\]$/)
  assert.deepEqual(
    (await textOf(shell('env'))).split('\n').filter((line) => /^(HOME|USER|NODE)/.test(line)),
    [],
  )
})

test('whoever stops reading, or aborts, ends the program', async () => {
  const file = join(scratch, 'lives')
  const script = `echo $$ > ${file}; while :; do echo more; done`
  for await (const chunk of shell(script)) {
    if (chunk.length > 0) break
  }
  const pid = Number(await readFile(file, 'utf8'))
  assert.equal(existsSync(`/proc/${pid}`), false)
  const abort = new AbortController()
  const reading = textOf(shell('echo x; exec sleep 60', { signal: abort.signal }))
  setTimeout(() => abort.abort(new Error('enough')), 100)
  await assert.rejects(reading, /enough/)
})

test('a program gets all of its input', async () => {
  const count = join(scratch, 'count')
  await feedProgram('/bin/sh', ['-c', `wc -c > ${count}`], bytes(100), { ...OPTIONS, whole: true })
  assert.equal(Number(await readFile(count, 'utf8')), 6_553_600)
})

test('one that reads only the beginning is fed no further, or the rest is read for its checks', async () => {
  const told = { read: 0 }
  const body = async function* () {
    for await (const chunk of bytes(400)) {
      told.read += chunk.length
      yield chunk
    }
  }
  await feedProgram('/bin/sh', ['-c', 'head -c 10'], body(), { ...OPTIONS, whole: true })
  assert.equal(told.read, 400 * 65_536)
  told.read = 0
  await feedProgram('/bin/sh', ['-c', 'head -c 10'], body(), { ...OPTIONS, whole: false })
  assert.ok(told.read < 400 * 65_536)
})

test('a failure of the input ends the program and is thrown; one of the program comes before the rest of the input', async () => {
  const broken = async function* () {
    yield* bytes(2)
    throw new Error('a frame is damaged')
  }
  await assert.rejects(feedProgram('/bin/cat', [], broken(), { ...OPTIONS, whole: true }), /a frame is damaged/)
  const endless = async function* () {
    for (;;) yield* bytes(10)
  }
  await assert.rejects(
    feedProgram('/bin/sh', ['-c', 'echo no >&2; exit 1'], endless(), { ...OPTIONS, whole: true }),
    /exited with 1: no/,
  )
})
