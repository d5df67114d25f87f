import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { formatLibraries, parseLibraries } from './libraries.ts'

suite('lists of libraries', () => {
  test('are read without their directory and ending', () => {
    const text = 'pg_stat_statements,"$libdir/pg-x.so" , auto_explain'
    assert.deepEqual(parseLibraries(text), ['pg_stat_statements', 'pg-x', 'auto_explain'])
    assert.deepEqual(parseLibraries(''), [])
  })

  test('are written so that they are read back', () => {
    const names = ['a', 'B', 'with blank', 'with "quote"', 'with,comma', '/opt/lib/x']
    assert.deepEqual(parseLibraries(formatLibraries(names)), names)
  })
})
