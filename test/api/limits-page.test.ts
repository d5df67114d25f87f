import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { RDS_ERRORS } from '../../src/api/errors.ts'
import { LINK_ERRORS } from '../../src/api/link-errors.ts'
import { CONFIG_KEYS } from '../../src/config/keys.ts'

const page = readFileSync(new URL('../../docs/reference/limits.md', import.meta.url), 'utf8')

test('the page of limits names every limit there is, and none that is not', () => {
  const named = [...page.matchAll(/^\| `(limits\.\w+)` \|/gm)].map(([, name]) => name)
  const known = CONFIG_KEYS.map(({ path }) => path).filter((path) => path.startsWith('limits.'))
  assert.deepEqual(named, known)
})

test('every answer that the page of limits promises is in the tables of errors', () => {
  const promised = [...page.matchAll(/(\d{3}) `([A-Z][\w.]+)`/g)].map(([, status, code]) => `${status} ${code}`)
  const rds = Object.entries(RDS_ERRORS).map(([code, { status }]) => `${status} ${code}`)
  const links = Object.values(LINK_ERRORS).map(({ status, code }) => `${status} ${code}`)
  assert.ok(promised.length >= 10)
  for (const answer of promised) assert.ok([...rds, ...links].includes(answer), answer)
})
