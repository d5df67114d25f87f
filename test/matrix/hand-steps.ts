import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { zstdCompressSync } from 'node:zlib'
import { runAs } from '../../quickstart/account.ts'
import { freePort, runProgram } from '../../quickstart/postgres-process.ts'
import { queryRestored } from '../postgres/restored-server.ts'
import { openChainWorld, takeMember } from '../postgres/chain-world.ts'
import type { MajorPrograms } from './programs.ts'

const run = promisify(execFile)

/** The commands of docs/format.md that put a chain together and start it, in their order. */
async function commandsOfPage(): Promise<string> {
  const page = await readFile(join(import.meta.dirname, '../../docs/format.md'), 'utf8')
  return ['chain=1', 'chain=2', 'step=5', 'step=6']
    .map((name) => {
      const [, commands] = new RegExp(`^\`\`\`sh ${name}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page) ?? []
      if (commands === undefined) throw new Error(`docs/format.md has no commands of ${name}`)
      return commands
    })
    .join('\n')
}

const SUM = `select (select md5(string_agg(p::text, ',' order by g)) from plain p) as plain,
  (select md5(string_agg(p::text, ',' order by g)) from spaced p) as spaced`

/** Follows the page with three sets that have a tablespace each, and asks what came of it. */
export async function proveHandSteps({ major, binDirectory }: MajorPrograms): Promise<string> {
  assert.ok(major === 17 || major === 18)
  await using world = await openChainWorld([], { version: major, binDirectory })
  const { server, owner, directory } = world
  await server.addTablespace('outer_space')
  await server.query('create table plain as select g, md5(g::text) from generate_series(1, 20000) g')
  await server.query('create table spaced tablespace outer_space as select * from plain')
  const chain = [await takeMember(server)]
  for (const limit of [100, 300]) {
    await server.query(`update plain set md5 = md5(md5) where g < ${limit}; delete from spaced where g < ${limit}`)
    chain.push(await takeMember(server, chain.at(-1)))
  }
  const files: string[] = []
  for (const [at, { tar }] of chain.entries()) {
    files.push(join(directory, `set-${at}.tar.zst`))
    await writeFile(files.at(-1) ?? '', zstdCompressSync(tar), { mode: 0o644 })
  }
  const [target, port] = [join(directory, 'by-hand'), await freePort()]
  const env = {
    PATH: '/usr/bin:/bin',
    SETS: files.join(' '),
    TARGET: target,
    BIN: binDirectory,
    PORT: String(port),
    PGUSER: 'postgres',
  }
  try {
    const { stdout } = await run('/bin/sh', ['-c', await commandsOfPage()], { cwd: '/', env, ...runAs(owner) })
    assert.match(stdout, /^ f +\|/m)
    const address = { host: target, port, user: 'postgres', sslMode: 'disable' } as const
    assert.deepEqual(await queryRestored({ address }, SUM), await server.query(SUM))
    const [where] = await queryRestored(
      { address },
      'select pg_tablespace_location(oid) as at from pg_tablespace where oid > 16000',
    )
    assert.match(String(where?.['at']), new RegExp(`^${target}/tablespaces/`))
  } finally {
    await runProgram({ binDirectory, account: owner }, 'pg_ctl', [
      '-D',
      join(target, 'data'),
      '-m',
      'immediate',
      'stop',
    ]).catch(() => {})
  }
  return `${chain.length} sets`
}
