import { execFileSync } from 'node:child_process'
import { chown, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestServer } from '../test/lib/postgres.ts'
import { runAs } from '../quickstart/account.ts'
import { type Cost, shell } from './measure.ts'

/** One way to back up and bring back the same server. Each run writes below `directory`, which it empties first. */
export interface Contender {
  readonly name: string
  backup(): Promise<Cost>
  /** Bytes that the last backup stored. */
  stored(): Promise<number>
  /** Brings the last backup back and waits until the database accepts connections; absent where there is nothing to bring back. */
  restore?(): Promise<Cost>
}

const BASE = 'pg_basebackup -Ft -X fetch -c fast -D -'

/** What PostgreSQL's own tools need to reach the server; they are found first in PATH. */
export function environment(server: TestServer): NodeJS.ProcessEnv {
  const { host, port, user, password } = server.address
  const path = `${server.binDirectory}:/usr/bin:/bin`
  return { PATH: path, PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, LC_ALL: 'C' }
}

/** Bytes of a file, or of all files below a directory. */
export const bytesOf = async (path: string): Promise<number> =>
  Number(execFileSync('du', ['-sb', '--apparent-size', path]).toString().split('\t')[0])

/** Starts a data directory, waits until it accepts connections, and (not measured by us) stops it: three shell words. */
export const startLine = (server: TestServer, data: string, port: number) =>
  `chmod 700 ${data} && ${server.binDirectory}/pg_ctl -D ${data} -w -t 120 -l ${data}.log ` +
  `-o "-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c archive_mode=off -c fsync=on" start >/dev/null`

/** Stops what a restore started, outside the clock. */
export const stopRestored = (server: TestServer, data: string) =>
  shell(`${server.binDirectory}/pg_ctl -D ${data} -m immediate stop >/dev/null`, runAs(server.account))

/** Makes a directory of the server's account, and gives the options that run a shell line as it. */
export async function placeFor(server: TestServer, directory: string) {
  await mkdir(directory, { recursive: true })
  if (server.account) await chown(directory, server.account.uid, server.account.gid)
  return { ...runAs(server.account), env: environment(server) }
}

/** `pg_basebackup | zstd -T0`, and the same with a digest and every file held against the server's manifest. */
export async function pipes(server: TestServer, directory: string, port: number): Promise<Contender[]> {
  const options = await placeFor(server, directory)
  const file = join(directory, 'base.tar.zst')
  const check = join(directory, 'check')
  const data = join(directory, 'restored')
  return [
    {
      name: 'pg_basebackup | zstd -T0; sync',
      backup: () => shell(`${BASE} | zstd -q -T0 > ${file}; sync`, options),
      stored: () => bytesOf(file),
      restore: async () => {
        await rm(data, { recursive: true, force: true })
        const unpack = `mkdir ${data} && zstd -dcq ${file} | tar -x -C ${data} && sync`
        const spent = await shell(`${unpack} && ${startLine(server, data, port)}`, options)
        await stopRestored(server, data)
        return spent
      },
    },
    {
      name: 'the same | tee >(sha256sum), then pg_verifybackup',
      backup: async () => {
        const spent = await shell(
          `${BASE} | zstd -q -T0 | tee >(sha256sum > ${file}.sha256) > ${file}; sync; ` +
            `mkdir ${check} && zstd -dcq ${file} | tar -x -C ${check} && pg_verifybackup -q ${check}`,
          options,
        )
        await rm(check, { recursive: true, force: true })
        return spent
      },
      stored: () => bytesOf(file),
    },
  ]
}

/** pgBackRest as its guide advises for speed: zstd, both cores, a fast start, bundled small files, WAL archived by it. */
export async function pgBackRest(server: TestServer, directory: string): Promise<Contender> {
  const config = join(directory, 'pgbackrest.conf')
  const data = join(directory, 'restored')
  const repo = join(directory, 'repo')
  await mkdir(repo, { recursive: true })
  await writeFile(
    config,
    `[global]
repo1-path=${repo}
repo1-bundle=y
repo1-retention-full=1
process-max=2
compress-type=zst
compress-level=3
start-fast=y
log-level-console=error
log-level-file=off
lock-path=${directory}/lock
spool-path=${directory}/spool
[bench]
pg1-path=${server.dataDirectory}
pg1-port=${server.address.port}
pg1-socket-path=${server.socketDirectory}
pg1-user=postgres
`,
  )
  const options = { ...runAs(server.account), env: environment(server) }
  if (server.account) await shell(`chown -R ${server.account.uid}:${server.account.gid} ${directory}`)
  const command = `pgbackrest --config=${config} --stanza=bench`
  const archive = (line: string) =>
    server.query(`alter system set archive_command = '${line}'`).then(() => server.query('select pg_reload_conf()'))
  await archive(`${command} archive-push %p`)
  await shell(`${command} stanza-create`, options)
  await archive('true')
  return {
    name: 'pgBackRest, process-max=2, zst level 3',
    backup: async () => {
      await archive(`${command} archive-push %p`)
      const spent = await shell(`${command} --type=full backup`, options)
      await archive('true')
      return spent
    },
    stored: () => bytesOf(repo),
    restore: async () => {
      await rm(data, { recursive: true, force: true })
      const spent = await shell(
        `mkdir -m 700 ${data} && ${command} --pg1-path=${data} --type=immediate --target-action=promote restore && ` +
          startLine(server, data, server.address.port + 1),
        options,
      )
      await stopRestored(server, data)
      return spent
    },
  }
}
