import type { TestServer } from '../lib/postgres.ts'
import type { Random } from '../crash/random.ts'

type Change = (server: TestServer, random: Random, at: number) => Promise<unknown>

/** Names of what a database has of a kind now, in an order that is always the same. */
const named = async (server: TestServer, sql: string, database?: string): Promise<string[]> =>
  (await server.query<{ name: string }>(sql, database)).map(({ name }) => name)

const TABLES = `select relname::text as name from pg_class where relkind = 'r' and relname like 'r\\_%' order by 1`
const DATABASES = `select datname::text as name from pg_database where datname like 'd\\_%' order by 1`
const SPACES = `select spcname::text as name from pg_tablespace where spcname like 's\\_%' order by 1`

async function pickOr(server: TestServer, random: Random, sql: string, use: (name: string) => Promise<unknown>) {
  const names = await named(server, sql)
  if (names.length > 0) await use(random.pick(names))
}

const fill = (rows: number) => `select g as a, repeat(md5(g::text), 1 + g % 9) as b from generate_series(1, ${rows}) g`

const CHANGES: Readonly<Record<string, Change>> = {
  create: (server, random, at) =>
    server.query(`create table r_${at} as ${fill(random.below(4000))}; create index on r_${at} (b)`),
  createUnlogged: (server, random, at) =>
    server.query(`create unlogged table u_${at} as ${fill(random.below(500))}; create index on u_${at} (a)`),
  insert: (server, random) =>
    pickOr(server, random, TABLES, (name) => server.query(`insert into ${name} (a, b) ${fill(random.below(8000))}`)),
  update: (server, random) =>
    pickOr(server, random, TABLES, (name) =>
      server.query(`update ${name} set b = b || 'x' where a % ${2 + random.below(90)} = 0`),
    ),
  delete: (server, random) =>
    pickOr(server, random, TABLES, (name) => server.query(`delete from ${name} where a > ${random.below(4000)}`)),
  vacuum: (server, random) => pickOr(server, random, TABLES, (name) => server.query(`vacuum ${name}`)),
  rewrite: (server, random) => pickOr(server, random, TABLES, (name) => server.query(`vacuum full ${name}`)),
  truncate: (server, random) => pickOr(server, random, TABLES, (name) => server.query(`truncate ${name}`)),
  drop: (server, random) => pickOr(server, random, TABLES, (name) => server.query(`drop table ${name}`)),
  addColumn: (server, random, at) =>
    pickOr(server, random, TABLES, (name) => server.query(`alter table ${name} add column c_${at} int default ${at}`)),
  sequence: (server, random, at) =>
    server.query(`create sequence q_${at}; select nextval('q_${at}') from generate_series(1, ${1 + random.below(50)})`),
  createDatabase: async (server, random, at) => {
    const strategy = random.pick(['wal_log', 'file_copy'])
    await server.query(`create database d_${at} strategy ${strategy}`)
    await server.query(`create table t as ${fill(random.below(500))}`, `d_${at}`)
  },
  changeDatabase: (server, random) =>
    pickOr(server, random, DATABASES, (name) => server.query(`insert into t (a, b) ${fill(random.below(900))}`, name)),
  dropDatabase: (server, random) =>
    pickOr(server, random, DATABASES, (name) => server.query(`drop database ${name} with (force)`)),
  createSpace: async (server, random, at) => {
    await server.addTablespace(`s_${at}`)
    await server.query(`create table r_${at} tablespace s_${at} as ${fill(random.below(2000))}`)
  },
  moveTable: async (server, random) => {
    const spaces = ['pg_default', ...(await named(server, SPACES))]
    await pickOr(server, random, TABLES, (name) =>
      server.query(`alter table ${name} set tablespace ${random.pick(spaces)}`),
    )
  },
  dropSpace: (server, random) =>
    pickOr(server, random, SPACES, async (name) => {
      await server.query(`alter table all in tablespace ${name} set tablespace pg_default`)
      await server.query(`drop tablespace ${name}`)
    }),
  setSequence: (server, random) =>
    server.query(`select setval(oid, ${1 + random.below(100_000)}) from pg_class where relkind = 'S'`),
  largeObject: (server, random) =>
    server.query(
      `select lo_from_bytea(0, decode(repeat(md5('${random.below(99)}'), ${1 + random.below(400)}), 'hex'))`,
    ),
  checkpoint: (server) => server.query('checkpoint'),
}

/** Does so many changes, which the numbers choose, of any kind but those of `without`, and gives their names. */
export async function changeAtRandom(
  server: TestServer,
  random: Random,
  from: number,
  count: number,
  without: readonly string[] = [],
): Promise<string[]> {
  const done: string[] = []
  const changes = Object.entries(CHANGES).filter(([name]) => !without.includes(name))
  for (let at = from; at < from + count; at++) {
    const [name, change] = random.pick(changes)
    done.push(name)
    await change(server, random, at)
  }
  return done
}
