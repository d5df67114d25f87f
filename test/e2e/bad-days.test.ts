import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { makeDirectoryFor } from '../../quickstart/account.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import type { Restored } from '../../src/engine/engine.ts'
import type { Ran } from '../lib/service.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { queryRestored } from '../postgres/restored-server.ts'
import { runProgram, startService, type E2eService } from './service.ts'
import { register, type ListedSet } from './sets.ts'

const page = await readFile(new URL('../../docs/guide/postgresql.md', import.meta.url), 'utf8')

/** The lines that docs/guide/postgresql.md has for a day, in their order. */
function linesOf(day: string, language: 'sh' | 'sql'): string[] {
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language} day=${day}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))]
  const lines = blocks.flatMap(([, block = '']) => block.trim().split('\n'))
  assert.ok(lines.length > 0, `the guide has commands for the day ${day}`)
  return lines
}

type Run = (...argv: readonly string[]) => Promise<Ran>

/** Runs the guide's commands of a day one by one, with values for the names in them. */
async function follow(day: string, run: Run, names: Readonly<Record<string, string>>): Promise<string[]> {
  const said: string[] = []
  for (const line of linesOf(day, 'sh')) {
    const [program, ...words] = line.split(' ')
    assert.equal(program, 'holdfast')
    const argv = words.map((word) => word.replace(/\$([A-Z]+)/, (_, name: string) => names[name] ?? assert.fail(name)))
    const restores = argv.includes('--to') ? ['--json'] : []
    const { code, out, err } = await run(...argv, ...restores)
    assert.equal(code, 0, `${line}: ${err}`)
    said.push(out)
  }
  return said
}

const SUM = `select count(*)::int as n, md5(string_agg(note, ',' order by id)) as sum from items`

suite('the four bad days of docs/guide/postgresql.md', () => {
  let server: TestServer
  let service: E2eService
  let expected: unknown
  let names: Record<string, string>

  before(async () => {
    server = await startPostgres({ version: 15 })
    service = await startService()
    await server.query('create database shop')
    await server.query('create database other')
    await server.query(
      'create table items as select g as id, md5(g::text) as note from generate_series(1, 5000) g',
      'shop',
    )
    expected = await server.query(SUM, 'shop')
    await register(service, 'orders', [server])
    const logical = await service.json<ListedSet>('backups', 'take', 'orders', '--method', 'logical')
    const physical = await service.json<ListedSet>('backups', 'take', 'orders')
    names = { LOGICAL: logical.BackupId, PHYSICAL: physical.BackupId }
  })
  after(async () => {
    await service[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  /** Starts what the last restore that was told of made, and looks for the rows. */
  async function comesUp(said: readonly string[]): Promise<void> {
    const restored = said.flatMap((text) => (text.startsWith('{') ? [JSON.parse(text) as Restored] : [])).at(-1)
    assert.ok(restored)
    await using started = await startRestored({ ...restored, superuser: 'postgres' }, { owner: service.owner })
    assert.deepEqual(await queryRestored(started, SUM, 'shop'), expected)
  }

  test('a dropped database comes back, and its neighbours stay as they are', async () => {
    await server.query('create table since as select 1 as a', 'other')
    await server.query('drop database shop')
    await follow('dropped', (...argv) => service.run(...argv), names)
    assert.deepEqual(await server.query(SUM, 'shop'), expected)
    assert.deepEqual(await server.query('select a from since', 'other'), [{ a: 1 }])
  })

  test('a database that a bad deploy spoiled changes places with the one of before', async () => {
    await server.query(`update items set note = 'spoiled'`, 'shop')
    const spoiled = await server.query(SUM, 'shop')
    await follow('deploy', (...argv) => service.run(...argv), names)
    for (const statement of linesOf('deploy', 'sql')) await server.query(statement)
    assert.deepEqual(await server.query(SUM, 'shop'), expected)
    assert.deepEqual(await server.query(SUM, 'shop_spoiled'), spoiled)
  })

  test('a server whose disk is lost comes back from its physical set', async () => {
    await server.stop()
    const said = await follow('disk', (...argv) => service.run(...argv), {
      ...names,
      TARGET: join(service.restoreRoot, 'disk'),
    })
    await comesUp(said)
  })

  test('from the store alone the data come back, and a service that knows its sets', async () => {
    await service.stop()
    const kept = await makeDirectoryFor(service.owner, 'holdfast-new-', '/tmp')
    await using _kept = { [Symbol.asyncDispose]: () => rm(kept, { recursive: true, force: true }) }
    const NEW = join(kept, 'service')
    const store = { ...names, STORE: `file://${service.storeDirectory}`, TARGET: join(kept, 'all'), NEW }
    // Who is not root gives files to nobody.
    const owned = (word: string, at: number, all: readonly string[]) =>
      service.owner !== undefined || (word !== '--owner' && all[at - 1] !== '--owner')
    const said = await follow('everything', (...argv) => runProgram(argv.filter(owned)), store)
    assert.ok(said[0]?.includes(names['PHYSICAL'] ?? 'none'))
    assert.match(said.at(-1) ?? '', /^1 instances and 2 sets added/)
    await comesUp(said)
  })
})
