import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PostgresFacts } from '../../core/manifest.ts'
import { extensionWarnings, libcWarnings, localeWarnings } from './collation.ts'

const facts = (collations: PostgresFacts['collations'], serverVersion = 150_018) =>
  ({
    collations,
    serverVersion,
    extensions: [{ database: 'a', name: 'postgis', version: '3.3' }],
  }) as unknown as PostgresFacts
const libc = (database: string, version: string) => ({ database, provider: 'libc', locale: 'en_US.UTF-8', version })

suite('collations of a restored cluster', () => {
  test('another version of the C library is loud, with the statements for each database', () => {
    const [warning, ...more] = libcWarnings(facts([libc('a"b', '2.31'), libc('c', '2.36')]), '2.36')
    assert.deepEqual(more, [])
    assert.match(warning ?? '', /version 2\.31, this machine with 2\.36/)
    assert.match(warning ?? '', /REINDEX DATABASE "a""b"; ALTER DATABASE "a""b" REFRESH COLLATION VERSION;$/)
  })

  test('before 15 no database has a version to refresh', () => {
    const [warning] = libcWarnings(facts([libc('a', '2.31')], 140_005), '2.36')
    assert.match(warning ?? '', /REINDEX DATABASE "a";$/)
  })

  test('the same version, none and an unknown one are silent', () => {
    assert.deepEqual(libcWarnings(facts([libc('a', '2.36'), libc('b', '')]), '2.36'), [])
    assert.deepEqual(libcWarnings(facts([libc('a', '2.31')]), undefined), [])
  })

  test('a locale that is not here is named with the databases that need it', () => {
    assert.match(localeWarnings(facts([libc('a', '')]), () => false).join(), /en_US\.UTF-8: "a" cannot be used/)
    assert.deepEqual(
      localeWarnings(facts([libc('a', '')]), () => undefined),
      [],
    )
  })

  test('an extension that is not here is named with the databases that use it', () => {
    assert.match(extensionWarnings(facts([]), () => false).join(), /extension postgis, used in "a", is not installed/)
    assert.deepEqual(
      extensionWarnings(facts([]), () => true),
      [],
    )
  })
})
