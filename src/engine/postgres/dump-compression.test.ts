import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { Tool } from './client-tools.ts'
import { dumpCompression } from './dump-compression.ts'

/** A pg_dump that says this, and fails, whatever it is asked for. */
async function pgDump(context: TestContext, version: string, says: string): Promise<Tool> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-tool-'))
  context.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'pg_dump')
  await writeFile(path, `#!/bin/sh\necho '${says}' >&2\nexit 1\n`, { mode: 0o755 })
  return { path, version }
}

const LOOKED_FOR_A_SERVER =
  'pg_dump: error: connection to server on socket "/dev/null/none/.s.PGSQL.5432" failed: Not a directory'
const BUILT_WITHOUT =
  'pg_dump: error: invalid compression specification: this build does not support compression with ZSTD'

suite('compression by pg_dump', () => {
  test('is asked of one that knows zstd, at the level of the set', async (context) => {
    const tool = await pgDump(context, '17.2', LOOKED_FOR_A_SERVER)
    assert.equal(await dumpCompression(tool, 3), '--compress=zstd:3')
  })

  test('is left to the frames above level 3, and where no level is told', async (context) => {
    const tool = await pgDump(context, '17.2', LOOKED_FOR_A_SERVER)
    assert.equal(await dumpCompression(tool, 4), '--compress=0')
    assert.equal(await dumpCompression(tool, undefined), '--compress=0')
  })

  test('is left to the frames when pg_dump was built without zstd', async (context) => {
    assert.equal(await dumpCompression(await pgDump(context, '17.2', BUILT_WITHOUT), 1), '--compress=0')
  })

  test('is left to the frames before version 16', async (context) => {
    assert.equal(await dumpCompression(await pgDump(context, '15.8', LOOKED_FOR_A_SERVER), 1), '--compress=0')
  })
})
