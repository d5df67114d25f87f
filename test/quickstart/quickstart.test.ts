import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'

const program = join(import.meta.dirname, '../../quickstart/main.ts')

type Proof = Readonly<Record<string, unknown>>

interface Run {
  /** The JSON of its last line; rejects with what it said when it ends without. */
  readonly proof: Promise<Proof>
  /** Resolves when it has begun its first step. */
  readonly begun: Promise<void>
  readonly signal: (signal: NodeJS.Signals) => void
  readonly exit: Promise<number | null>
  readonly stderr: () => string
}

function quickstart(...args: string[]): Run {
  const child = spawn(process.execPath, [program, '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  const begun = Promise.withResolvers<void>()
  const proof = Promise.withResolvers<Proof>()
  // Not every test waits for it.
  proof.promise.catch(() => {})
  child.stdout.on('data', (data: Buffer) => {
    said.stdout += data.toString()
    if (said.stdout.endsWith('}\n')) proof.resolve(JSON.parse(said.stdout.trimEnd().split('\n').at(-1) ?? '') as Proof)
  })
  child.stderr.on('data', (data: Buffer) => {
    said.stderr += data.toString()
    if (said.stderr.includes('\n1. ')) begun.resolve()
  })
  const exit = once(child, 'close').then(([code]) => {
    proof.reject(new Error(`it ended with ${String(code)}: ${said.stderr}`))
    return code as number | null
  })
  const signal = (name: NodeJS.Signals) => void child.kill(name)
  return { proof: proof.promise, begun: begun.promise, signal, exit, stderr: () => said.stderr }
}

async function inEmptyDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  // So that PostgreSQL's user reaches it too, and nothing is put elsewhere.
  await chmod(directory, 0o711)
  try {
    await use(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Command lines of running processes that name a directory. */
async function processesIn(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.map((line) => line.replaceAll('\0', ' ')).filter((line) => line.includes(directory))
}

suite('npm run quickstart', () => {
  test('proves the main job, serves until Ctrl-C, and then leaves nothing running', () =>
    inEmptyDirectory(async (directory) => {
      const run = quickstart('--data', directory)
      const proof = await run.proof
      assert.equal(proof['verified'], true)
      for (const name of ['endpoint', 'accessKeyId', 'accessKeySecret', 'dbInstanceId', 'backupId'])
        assert.equal(typeof proof[name], 'string', name)
      for (const name of ['sample', 'backup', 'download', 'restore', 'compare', 'total'])
        assert.ok((proof['seconds'] as Record<string, number>)[name], name)

      const link = await fetch(String(proof['downloadUrl']), { method: 'HEAD' })
      assert.equal(link.status, 200)
      assert.equal(Number(link.headers.get('content-length')), proof['backupSize'])
      const health = await fetch(`${String(proof['endpoint'])}/healthz`)
      assert.equal(health.status, 200)

      run.signal('SIGINT')
      assert.equal(await run.exit, 0, run.stderr())
      assert.deepEqual(await processesIn(directory), [])
      assert.ok((await readdir(directory)).length > 0, 'what was given a place is kept')
    }))

  test('--once stops and cleans up after the proof', () =>
    inEmptyDirectory(async (directory) => {
      const run = quickstart('--once', '--data', directory)
      assert.equal(await run.exit, 0, run.stderr())
      assert.equal((await run.proof)['verified'], true)
      assert.deepEqual(await processesIn(directory), [])
      assert.deepEqual(await readdir(directory), [])
    }))

  test('interrupted half way, it ends with 130 and leaves nothing', () =>
    inEmptyDirectory(async (directory) => {
      const run = quickstart('--once', '--data', directory)
      await run.begun
      run.signal('SIGINT')
      assert.equal(await run.exit, 130, run.stderr())
      assert.deepEqual(await processesIn(directory), [])
      assert.deepEqual(await readdir(directory), [])
    }))

  test('a directory that holds something is refused, and stays as it is', async () => {
    const directory = import.meta.dirname
    const before = await readdir(directory)
    const run = quickstart('--once', '--data', directory)
    assert.equal(await run.exit, 1)
    assert.match(run.stderr(), /is not empty/)
    assert.deepEqual(await readdir(directory), before)
  })
})
