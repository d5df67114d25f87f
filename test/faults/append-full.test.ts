import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from '../lib/service.ts'

const WRITER = fileURLToPath(new URL('append-writer.ts', import.meta.url))

/** Runs the writer where no file may have more KiB than this, and gives what it says. */
async function write(audit: string, mostKib: number): Promise<unknown> {
  const command = `ulimit -f ${mostKib}; exec "$0" "$1" "$2"`
  const child = spawn('bash', ['-c', command, process.execPath, WRITER, audit], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(await text(child.stdout))
}

const namesIn = async (audit: string) => (await readdir(audit)).toSorted((a, b) => (a < b ? -1 : 1))

test('a batch that the system cuts in its middle is written again, whole and once', async () => {
  await using directory = await temporaryDirectory()
  const audit = join(directory.path, 'audit')
  // A batch has some 5 KiB: the second one is cut in its middle.
  const said = await write(audit, 8)
  assert.deepEqual(said, { told: ['EFBIG', 0, 'EFBIG', 0], dropped: 0, failing: false })
  const names = await namesIn(audit)
  const texts = await Promise.all(names.map((name) => readFile(join(audit, name), 'utf8')))
  const lines = texts.join('').trimEnd().split('\n')
  const seen = lines.map((line) => JSON.parse(line) as { batch: number; line: number })
  assert.deepEqual(
    seen.map(({ batch, line }) => batch * 50 + line),
    Array.from({ length: 150 }, (_, at) => at),
  )
})

test('while nothing can be written, no earlier file goes and no empty one stays', async () => {
  await using directory = await temporaryDirectory()
  const audit = join(directory.path, 'audit')
  await mkdir(audit)
  const old = Array.from({ length: 12 }, (_, at) => `reads-2020010100000${at % 10}-w-${at}.jsonl`)
  for (const name of old) await writeFile(join(audit, name), '')
  assert.deepEqual(await write(audit, 0), { told: ['EFBIG'], dropped: 0, failing: true })
  assert.deepEqual(new Set(await namesIn(audit)), new Set(old))
})
