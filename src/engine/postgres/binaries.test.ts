import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { Fault } from '../../core/fault.ts'
import { findBinaries } from './binaries.ts'

/** A directory with programs that say they are of this version. */
async function programs(context: TestContext, version: string, below = '.', exit = 0): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bin-'))
  context.after(() => rm(directory, { recursive: true }))
  await mkdir(join(directory, below), { recursive: true })
  for (const name of ['postgres', 'pg_ctl']) {
    const path = join(directory, below, name)
    await writeFile(path, `#!/bin/sh\necho "postgres (PostgreSQL) ${version}"\nexit ${exit}\n`)
    await chmod(path, 0o755)
  }
  return directory
}

suite('the programs of a PostgreSQL', () => {
  test('are found in a directory that was named, before all others', async (context) => {
    const directory = await programs(context, '99.3 (Odd build)')
    assert.deepEqual(await findBinaries(99, ['/nowhere', directory]), {
      directory,
      postgres: join(directory, 'postgres'),
      pgCtl: join(directory, 'pg_ctl'),
      version: '99.3 (Odd build)',
    })
  })

  test('are found in the bin below a named directory', async (context) => {
    const directory = await programs(context, '99beta1', 'bin')
    assert.equal((await findBinaries(99, [directory])).directory, join(directory, 'bin'))
  })

  test('of another version are passed over, and named when there are no others', async (context) => {
    const [other, right] = [await programs(context, '98.1'), await programs(context, '99.1')]
    assert.equal((await findBinaries(99, [other, right])).directory, right)
    await assert.rejects(findBinaries(97, [other]), (error) => {
      assert.ok(Fault.is(error, 'unsupported'))
      assert.ok(error.message.includes(`${other} has 98.1`))
      assert.match(error.hint ?? '', /^Install the package postgresql-97 \(Debian and Ubuntu\)/)
      return true
    })
  })

  test('that do not run here are none', async (context) => {
    const [broken, right] = [await programs(context, '99.1', '.', 127), await programs(context, '99.2')]
    assert.equal((await findBinaries(99, [broken, right])).version, '99.2')
  })

  test('are not looked for any more after an abort', async (context) => {
    const directory = await programs(context, '99.1')
    const reason = new Error('enough')
    await assert.rejects(findBinaries(99, [directory], { signal: AbortSignal.abort(reason) }), reason)
  })
})
