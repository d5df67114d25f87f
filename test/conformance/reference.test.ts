import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { GENERATED_PAGES } from '../../docs/pages.ts'

for (const [path, render] of Object.entries(GENERATED_PAGES)) {
  test(`docs/${path} says what the program says: else run npm run docs`, async () => {
    const file = join(import.meta.dirname, '../../docs', path)
    assert.equal(await readFile(file, 'utf8'), render())
  })
}
