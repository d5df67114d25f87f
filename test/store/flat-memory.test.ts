import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('flat-memory.ts', import.meta.url))
const peakOf = (megabytes: number) => Number(execFileSync(process.execPath, [CHILD, `${megabytes}`]))

suite('memory while a set is written', () => {
  test('does not grow with the set', () => {
    const [small, large] = [peakOf(200), peakOf(1000)]
    assert.ok(large < small + 40, `200 MB took ${small} MB of memory, 1000 MB took ${large} MB`)
    assert.ok(large < 220, `1000 MB took ${large} MB of memory`)
  })
})
