import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { appendedFiles, createAppendFile, type AppendSettings } from './append-file.ts'
import { FakeClock } from './clock.ts'

async function fixture(t: TestContext, over: Partial<AppendSettings> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-append-'))
  t.after(() => rm(root, { recursive: true }))
  const directory = join(root, 'audit')
  const clock = new FakeClock('2026-01-02T03:04:05Z')
  const told: unknown[] = []
  const settings = { directory, kind: 'reads', writer: 'w-1', fileBytes: 100, fileMs: 60_000, files: 3, ...over }
  const file = createAppendFile(settings, {
    clock,
    failed: () => told.push('failed'),
    recovered: (dropped) => told.push(dropped),
  })
  t.after(() => file.close())
  const names = () => appendedFiles(directory, 'reads')
  const texts = async () => Promise.all((await names()).map((name) => readFile(join(directory, name), 'utf8')))
  return { file, clock, directory, told, names, texts, settings }
}

test('lines are appended in their order to a file that only its owner reads', async (t) => {
  const { file, directory, names, texts } = await fixture(t)
  assert.deepEqual(await names(), [])
  file.add('a\n')
  file.add('b\n')
  await file.flush()
  file.add('c\n')
  await file.flush()
  assert.deepEqual(await names(), ['reads-20260102030405-w-1-1.jsonl'])
  assert.deepEqual(await texts(), ['a\nb\nc\n'])
  const [name = ''] = await names()
  assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600)
  assert.equal((await stat(directory)).mode & 0o777, 0o700)
})

test('what waits is written after a second', async (t) => {
  const { file, clock, texts } = await fixture(t)
  file.add('a\n')
  clock.advance(1000)
  while ((await texts()).join('') === '') await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(await texts(), ['a\n'])
})

test('what waits is written when the file is closed', async (t) => {
  const { file, texts } = await fixture(t)
  file.add('a\n')
  await file.close()
  assert.deepEqual(await texts(), ['a\n'])
})

test('a file that is full, or old, is followed by a new one, and the oldest go', async (t) => {
  const { file, clock, directory, names, texts } = await fixture(t)
  await mkdir(directory)
  await writeFile(join(directory, 'other-2020.jsonl'), '')
  for (const line of ['1', '2', '3']) {
    file.add(`${line.repeat(60)}\n`)
    await file.flush()
  }
  assert.equal((await names()).length, 3)
  clock.advance(60_000)
  file.add('4\n')
  await file.flush()
  assert.deepEqual(
    (await texts()).map((text) => text[0]),
    ['2', '3', '4'],
  )
  await stat(join(directory, 'other-2020.jsonl'))
})

test('a batch larger than a file is written whole', async (t) => {
  const { file, texts } = await fixture(t)
  file.add(`${'x'.repeat(500)}\n`)
  await file.flush()
  assert.equal((await texts()).join('').length, 501)
})

test('while nothing can be written, lines wait, those too many are dropped and counted, and it is told once', async (t) => {
  const { file, directory, told, texts } = await fixture(t, { mostWaiting: 6 })
  await writeFile(directory, 'a file in the way')
  for (const line of ['a\n', 'b\n', 'c\n', 'd\n']) file.add(line)
  await file.flush()
  await file.flush()
  assert.deepEqual([file.dropped, file.failing, told], [1, true, ['failed']])
  await rm(directory)
  await file.flush()
  assert.deepEqual([file.dropped, file.failing, told], [1, false, ['failed', 1]])
  assert.deepEqual(await texts(), ['a\nb\nc\n'])
})

test('a directory that goes away is made anew for the next file', async (t) => {
  const { file, clock, directory, texts } = await fixture(t)
  file.add('a\n')
  await file.flush()
  await rm(directory, { recursive: true })
  clock.advance(60_000)
  file.add('b\n')
  await file.flush()
  assert.deepEqual(await texts(), ['b\n'])
  await assert.rejects(rmdir(directory))
})
