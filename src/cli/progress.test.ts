import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../lib/clock.ts'
import { progressBar } from './progress.ts'

const state = (bytes: number) => ({ label: 'Uploading', bytes, totalBytes: 1000 })

test('on a terminal the bar redraws one line, at most ten times a second, and ends with the last state', () => {
  const clock = new FakeClock('2026-01-01T00:00:00Z')
  const written: string[] = []
  const bar = progressBar({ isTTY: true, columns: 120, write: (text) => written.push(text) }, clock)
  bar.update(state(0))
  bar.update(state(500))
  assert.equal(written.length, 1)
  clock.advance(1000)
  bar.update(state(500))
  assert.match(written[1] ?? '', /^\rUploading +\[#{12}\.{12}\] {2}50 % {2}500 B of 1\.0 kB {2}500 B\/s {2}1\.0 s/)
  bar.update(state(1000))
  bar.end()
  assert.match(written.join(''), /100 %.*\n$/)
})

test('where no terminal is nothing is drawn', () => {
  const written: string[] = []
  const bar = progressBar({ write: (text) => written.push(text) }, new FakeClock('2026-01-01T00:00:00Z'))
  bar.update(state(10))
  bar.end()
  assert.deepEqual(written, [])
})
