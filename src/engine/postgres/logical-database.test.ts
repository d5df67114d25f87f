import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { understoodBy } from './logical-database.ts'

const WRITTEN = `CREATE DATABASE draft WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C';`

suite('a database that a newer pg_dump tells how to create', () => {
  test('is created on PostgreSQL 14, which knows no provider of locales, without naming one', () => {
    assert.equal(
      understoodBy(14, WRITTEN),
      `CREATE DATABASE draft WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C';`,
    )
  })

  test('keeps its provider on servers that know it, and one that 14 does not have for it to refuse', () => {
    assert.equal(understoodBy(15, WRITTEN), WRITTEN)
    const icu = WRITTEN.replace('libc', "icu ICU_LOCALE = 'de'")
    assert.equal(understoodBy(14, icu), icu)
  })
})
