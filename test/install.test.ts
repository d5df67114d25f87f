import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aptLine, missingPackages, NEEDS } from './install.ts'

const needs = [
  { program: 'postgres', package: 'postgresql-15', places: ['/usr/lib/postgresql/15/bin'] },
  { program: 'zstd', package: 'zstd' },
  { program: 'zstdcat', package: 'zstd' },
]

test('nothing is missing where every program is found', () => {
  assert.deepEqual(
    missingPackages(needs, '/bin:/usr/bin', () => true),
    [],
  )
})

test('a program of its own place is not taken from PATH', () => {
  const has = (file: string) => file !== '/usr/lib/postgresql/15/bin/postgres'
  assert.deepEqual(missingPackages(needs, '/bin:/usr/bin', has), ['postgresql-15'])
})

test('a package that gives two missing programs is named once', () => {
  const has = (file: string) => !file.includes('zstd')
  assert.deepEqual(missingPackages(needs, '/bin:/usr/bin', has), ['zstd'])
})

test('where we may not install, one line that can be pasted says what to do', () => {
  assert.equal(
    aptLine(['zstd', 'wget']),
    'sudo apt-get update && sudo apt-get install --no-install-recommends zstd wget',
  )
})

test('every program the tests use is asked for by its Debian package', () => {
  const packages = NEEDS.map((need) => need.package)
  for (const wanted of ['postgresql-15', 'zstd', 'wget', 'curl', 'nginx-light']) assert.ok(packages.includes(wanted))
})
