import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const root = dirname(import.meta.dirname)

async function* documents(): AsyncGenerator<{ file: string; text: string }> {
  for await (const file of glob('{*.md,docs/**/*.md}', { cwd: root })) {
    yield { file, text: await readFile(join(root, file), 'utf8') }
  }
}

test('every link between documents leads somewhere', async () => {
  const broken: string[] = []
  let links = 0
  for await (const { file, text } of documents()) {
    for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      links++
      if (!existsSync(join(root, dirname(file), target))) broken.push(`${file}: ${target}`)
    }
  }
  assert.ok(links > 10)
  assert.deepEqual(broken, [])
})

test('every npm script that a document names is there', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: object }
  const named = new Set<string>()
  for await (const { text } of documents()) {
    for (const [, name = ''] of text.matchAll(/npm run ([a-z][a-z:-]*)/g)) named.add(name)
  }
  assert.ok(named.has('quickstart'))
  assert.deepEqual(
    [...named].filter((name) => !(name in scripts)),
    [],
  )
})

test('every file that a document names by its path is there', async () => {
  const missing: string[] = []
  for await (const { file, text } of documents()) {
    for (const [, path = ''] of text.matchAll(/`((?:src|test|docs|quickstart|bench|bin)\/[\w./-]*\w\/?)`/g)) {
      if (!existsSync(join(root, path))) missing.push(`${file}: ${path}`)
    }
  }
  assert.deepEqual(missing, [])
})
