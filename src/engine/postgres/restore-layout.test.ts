import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../core/fault.ts'
import { formatTablespaceMap, parseTablespaceMap } from './restore-layout.ts'

suite('tablespace_map', () => {
  test('is read as PostgreSQL writes it', () => {
    const text = '16401 /srv/a b\n16402 /srv/new\\\nline and \\\\ back\n'
    assert.deepEqual(parseTablespaceMap(text), [
      { oid: '16401', path: '/srv/a b' },
      { oid: '16402', path: '/srv/new\nline and \\ back' },
    ])
  })

  test('without tablespaces is empty', () => {
    assert.deepEqual(parseTablespaceMap(''), [])
    assert.equal(formatTablespaceMap([]), '')
  })

  test('what is written is read back', () => {
    const tablespace = fc
      .tuple(fc.integer({ min: 1, max: 2 ** 32 - 1 }), fc.string({ minLength: 1 }))
      .map(([oid, text]) => ({ oid: String(oid), path: `/${text}` }))
    fc.assert(
      fc.property(fc.array(tablespace), (all) => assert.deepEqual(parseTablespaceMap(formatTablespaceMap(all)), all)),
    )
  })

  test('a line of another form is refused', () => {
    for (const text of ['x /srv\n', '16401\n', '0 /srv\n', ' 1 /srv\n']) {
      assert.throws(
        () => parseTablespaceMap(text),
        (e) => Fault.is(e, 'store_corrupt'),
        text,
      )
    }
  })
})
