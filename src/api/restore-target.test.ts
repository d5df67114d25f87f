import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { RdsError, type RdsErrorCode } from './errors.ts'
import { requireRestoreTarget } from './restore-target.ts'

let root = ''
before(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'restore-')))
  await mkdir(join(root, 'allowed/empty'), { recursive: true })
  await mkdir(join(root, 'allowed/full'))
  await writeFile(join(root, 'allowed/full/PG_VERSION'), '15\n')
  await writeFile(join(root, 'allowed/file'), '')
  await mkdir(join(root, 'elsewhere'))
  await symlink(join(root, 'elsewhere'), join(root, 'allowed/link'))
})
after(() => rm(root, { recursive: true }))

const at = (path: string) => join(root, path)
const target = (path: string) => requireRestoreTarget(path, [at('allowed')])
const refuses = (path: string, code: RdsErrorCode) =>
  assert.rejects(target(path), (error) => error instanceof RdsError && error.code === code)

test('a directory below a root that is absent or empty is a target', async () => {
  assert.equal(await target(at('allowed/new/inner')), at('allowed/new/inner'))
  assert.equal(await target(at('allowed/empty')), at('allowed/empty'))
})

test('one that holds something, and a file, are none', async () => {
  await refuses(at('allowed/full'), 'InvalidTargetPath')
  await refuses(at('allowed/file'), 'InvalidTargetPath')
})

test('what lies outside, or leads outside, is none', async () => {
  await refuses(at('elsewhere/new'), 'OperationDenied.RestoreTarget')
  await refuses(at('allowed'), 'OperationDenied.RestoreTarget')
  await refuses(`${at('allowed')}/../elsewhere/new`, 'OperationDenied.RestoreTarget')
  await refuses(at('allowed/link/new'), 'OperationDenied.RestoreTarget')
})

test('a path that is not absolute is none', () => refuses('allowed/new', 'InvalidTargetPath'))

test('without roots every target is refused, saying what to set', async () => {
  await assert.rejects(
    requireRestoreTarget(at('allowed/new'), []),
    (error) => error instanceof RdsError && error.message.includes('restore.roots'),
  )
})
