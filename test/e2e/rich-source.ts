import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { giveTo } from '../lib/copy-cluster.ts'
import type { TestServer } from '../lib/postgres.ts'

/** A role that may replicate and read settings, and no more. */
export const ODD_ROLE = { user: 'Back "up" rôle; --', password: `p'w "d` }

/** Below the server's directory. */
export const LONG_LOCATION = `long/${'a-directory-with-a-long-name/'.repeat(4)}space`

/** Fills a server with all that PostgreSQL keeps in its own ways, under names that need quoting. */
export async function fillRichly(server: TestServer): Promise<void> {
  await server.addTablespace(`Odd "space"`)
  const location = join(server.directory, LONG_LOCATION)
  await mkdir(location, { recursive: true })
  await giveTo(join(server.directory, 'long'), server.account)
  await server.query(`create tablespace "far away" location '${location}'`)
  await server.query(`create role "${ODD_ROLE.user.replaceAll('"', '""')}" login replication
    password '${ODD_ROLE.password.replaceAll("'", "''")}' in role pg_monitor`)
  await server.query('create database "Empty ""db"')
  await server.query(`create database "Ödd 'db' $1;\\"`)
  await server.query(COMMON)
  await server.query(ODD_DATABASE, `Ödd 'db' $1;\\`)
}

const COMMON = `
  create table plain as select g, md5(g::text), repeat(g::text, 20) as wide from generate_series(1, 30000) g;
  create index on plain (md5);
  create table "in ""space" tablespace "Odd ""space""" as select * from plain where g < 9000;
  create index "far index" on "in ""space" (g) tablespace "far away";
  create table toasted (a text);
  alter table toasted alter a set storage external;
  insert into toasted select repeat(md5(g::text), 400) from generate_series(1, 100) g;
  create unlogged table passing (a int primary key);
  insert into passing select generate_series(1, 1000);
  create table nothing (a int);
  create materialized view seen as select count(*) from plain;
  create sequence "Odd ""seq";
  select setval('"Odd ""seq"', 41);
  select lo_from_bytea(4711, repeat('x', 5000)::bytea);
  select lo_from_bytea(0, decode(repeat(md5(g::text), 300), 'hex')) from generate_series(1, 40) g`

const ODD_DATABASE = `
  create schema "S c";
  create table "S c"."Tâble ""x""; drop" ("col ""umn" text, "select" int) tablespace "far away";
  insert into "S c"."Tâble ""x""; drop" select md5(g::text), g from generate_series(1, 5000) g`

const MIB = 1024 * 1024
/** Around a tar block, and around a frame, less what stands before content in a tar: its header. */
const SIZES = [0, 1, 511, 512, 513, 1023, 1024, 1025, MIB - 513, MIB - 512, MIB - 511, MIB - 1, MIB, MIB + 1, 2 * MIB]

/** Names of which PostgreSQL's tar takes up to 99 bytes, and its manifest some only as hexadecimal digits. */
const NAMES: readonly Buffer[] = [
  ...['new\nline', 'quote"\\back', 'blank  two ', '-rf', 'tab\t', '%s', 'ünï', 'x'.repeat(95)].map((name) =>
    Buffer.from(name),
  ),
  Buffer.from([0x62, 0xff, 0xfe]),
]

/** A digest of each odd file, by its place. */
export type OddFiles = Readonly<Record<string, string>>

/** Puts files that are not PostgreSQL's own into the data directory and a tablespace: it backs up whatever lies there. */
export async function putOddFiles(server: TestServer): Promise<OddFiles> {
  const [version = ''] = await readdir(join(server.directory, LONG_LOCATION))
  const homes = [server.dataDirectory, join(server.directory, LONG_LOCATION, version)]
  for (const home of homes) {
    const odd = join(home, 'odd')
    await mkdir(odd)
    for (const size of SIZES) await writeFile(join(odd, `of ${size}`), randomBytes(size), { mode: 0o600 })
    await giveTo(odd, server.account)
  }
  const odd = join(server.dataDirectory, 'odd')
  for (const name of NAMES) {
    await writeFile(Buffer.concat([Buffer.from(`${odd}/`), name]), name, { mode: 0o600 })
  }
  // With the name of its directories it has the 99 bytes that a header takes, before we put it below a longer path.
  await writeFile(join(homes[1] ?? '', 'odd', 'y'.repeat(99 - `${version}/odd/`.length)), 'long', { mode: 0o600 })
  await mkdir(join(odd, 'empty directory'))
  await chownNamed(server, homes)
  return oddFilesBelow(server.dataDirectory, join(server.directory, LONG_LOCATION, '..'))
}

async function chownNamed(server: TestServer, homes: readonly string[]): Promise<void> {
  const { account } = server
  if (!account) return
  const { execFile } = await import('node:child_process')
  const { promisify } = await import('node:util')
  const all = homes.map((home) => join(home, 'odd'))
  await promisify(execFile)('chown', ['-R', `${account.uid}:${account.gid}`, ...all])
}

/** Every odd file of a data directory, and of the tablespaces that lie below another. */
export async function oddFilesBelow(data: string, tablespaces: string): Promise<OddFiles> {
  const found: Record<string, string> = await digests(join(data, 'odd'), 'data')
  for (const space of await readdir(tablespaces)) {
    for (const version of await readdir(join(tablespaces, space))) {
      Object.assign(found, await digests(join(tablespaces, space, version, 'odd'), 'space').catch(() => ({})))
    }
  }
  return found
}

async function digests(directory: string, title: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(directory, { withFileTypes: true, encoding: 'buffer' })) {
    const name = entry.name.toString('latin1')
    const path = Buffer.concat([Buffer.from(`${directory}/`), entry.name])
    found[`${title}: ${name}`] = entry.isDirectory()
      ? 'a directory'
      : createHash('sha256')
          .update(await readFile(path))
          .digest('hex')
  }
  return found
}
