import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { queryRestored } from '../postgres/restored-server.ts'
import { startService } from './service.ts'
import { register, take, withRestored } from './sets.ts'

const WRITERS = [1, 2]

const SCHEMA = `
  create table account (id int primary key, balance bigint not null);
  insert into account select g, 1000 from generate_series(0, 999) g;
  create table journal (writer int, move int, from_id int, to_id int, amount int, lsn pg_lsn, primary key (writer, move));
  create index on journal (from_id);
  create table ballast as select g, md5(g::text), repeat(md5(g::text), 5) as wide from generate_series(1, 400000) g;
  ${WRITERS.map((writer) => `create table scratch_${writer} (a int); insert into scratch_${writer} values (0);`).join('')}
  select 1`

/** The accounts whose balance is not what the journal makes of it; none in a consistent state. */
const WRONG_ACCOUNTS = `
  select id from account
    left join (select from_id, sum(amount) as n from journal group by 1) as taken on from_id = id
    left join (select to_id, sum(amount) as n from journal group by 1) as given on to_id = id
  where balance <> 1000 - coalesce(taken.n, 0) + coalesce(given.n, 0)`

/** Moves of each writer, and whether each from the first to the last is there. */
const MOVES = `
  select writer, max(move) as moves, count(*) = max(move) as whole from journal group by 1 order by 1`

function startWriters({ address }: TestServer) {
  const { host, port, user, password } = address
  const config = JSON.stringify({ host, port, user, password, database: 'postgres' })
  const children = WRITERS.map((writer) =>
    spawn(process.execPath, [join(import.meta.dirname, 'writer.ts'), config, String(writer)], { stdio: 'inherit' }),
  )
  return {
    running: () => children.every(({ exitCode }) => exitCode === null),
    [Symbol.asyncDispose]: async () => void (await Promise.all(children.map(ended))),
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

interface Moves {
  readonly writer: number
  readonly moves: number
  readonly whole: boolean
}

for (const version of [15, 18] as const) {
  test(`a set of PostgreSQL ${version} taken while other processes write is one consistent state`, async () => {
    await using service = await startService()
    await using server = await startPostgres({ version, settings: { autovacuum: 'off' } })
    await server.query(SCHEMA)
    await register(service, 'busy', [server])
    const moves = () => server.query<Moves>(MOVES)
    await using writers = startWriters(server)
    await eventually(async () => (await moves()).every((one) => one.moves > 200) && (await moves()).length > 1, 'moves')
    const before = await moves()
    const set = await take(service, 'busy')
    const after = await moves()
    assert.ok(writers.running())

    await withRestored(service, set, async (started) => {
      assert.deepEqual(await queryRestored(started, WRONG_ACCOUNTS), [])
      const restored = (await queryRestored(started, MOVES)) as unknown as Moves[]
      assert.equal(restored.length, WRITERS.length)
      for (const [at, { moves: kept, whole }] of restored.entries()) {
        assert.ok(whole, 'a move that was committed before a kept one is kept')
        assert.ok(kept >= (before[at]?.moves ?? Infinity), 'what was committed before the backup began is kept')
        assert.ok(kept <= (after[at]?.moves ?? 0), 'nothing is kept that was not committed')
      }
      assert.ok(restored.some(({ moves: kept }, at) => kept > (before[at]?.moves ?? Infinity)))
      const sums = await queryRestored(started, 'select count(*)::int as n, sum(balance)::int as sum from account')
      assert.deepEqual(sums, [{ n: 1000, sum: 1_000_000 }])
      for (const writer of WRITERS) {
        const rows = await queryRestored(started, `select count(*)::int as n from scratch_${writer}`)
        assert.deepEqual(rows, [{ n: 1 }])
      }
      assert.deepEqual(await queryRestored(started, 'select count(*)::int as n from ballast'), [{ n: 400_000 }])
    })
  })
}
