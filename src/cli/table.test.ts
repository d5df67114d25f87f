import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatFields, formatTable } from './table.ts'

test('columns are aligned, numbers to the right, and no line ends in blanks', () => {
  const rows = [
    { name: 'a', size: '1 B' },
    { name: 'long name', size: '200 kB' },
  ]
  const table = formatTable(
    [
      { title: 'SIZE', value: (row) => row.size, right: true },
      { title: 'NAME', value: (row) => row.name },
    ],
    rows,
  )
  assert.equal(table, '  SIZE  NAME\n   1 B  a\n200 kB  long name\n')
})

test('text of a service cannot move the cursor of a terminal', () => {
  assert.ok(!formatFields({ description: 'x\u001B[2Jy' }).includes('\u001B'))
})

test('empty fields are left out', () => {
  assert.equal(formatFields({ a: '1', reason: '' }), 'a  1\n')
})
