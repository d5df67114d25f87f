/**
 * The download of a set through its link, beside nginx with sendfile giving the same file, on loopback and over TLS.
 * `npm run bench:download -- [--megabytes 1000] [--rounds 5]`; writes its section of docs/performance.md. Needs Debian's
 * postgresql-15, nginx-light, curl and openssl.
 */
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { freePort } from '../quickstart/postgres-process.ts'
import { startPostgres } from '../test/lib/postgres.ts'
import { type Service, startService } from './holdfast.ts'
import { type Cost, median, shell, spread } from './measure.ts'
import { table, writeSection } from './page.ts'
import { noise } from './sample.ts'

const run = promisify(execFile)
const { values } = parseArgs({
  options: { megabytes: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '5' } },
})
const rounds = Number(values.rounds)

const directory = await mkdtemp('/var/tmp/holdfast-bench-')
await chmod(directory, 0o755)
try {
  const pair = ['-keyout', join(directory, 'tls.key'), '-out', join(directory, 'tls.crt')]
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    ...pair,
  ])
  const data = join(directory, 'data')
  const tls = [`api.tls.cert=${directory}/tls.crt`, `api.tls.key=${directory}/tls.key`]
  const races: Race[] = []
  await withService(data, [], async (service) => {
    await takeSet(service)
    races.push(await race('loopback', await onlyFile(data), await linkOf(service), false))
  })
  const { NODE_TLS_REJECT_UNAUTHORIZED } = process.env
  // The certificate is our own, and lives as long as this program.
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  await withService(data, tls, async (service) => {
    races.push(await race('TLS', await onlyFile(data), await linkOf(service), true))
  })
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = NODE_TLS_REJECT_UNAUTHORIZED
  report(races, (await stat(await onlyFile(data))).size)
} finally {
  await rm(directory, { recursive: true, force: true })
}

async function withService(data: string, settings: readonly string[], work: (service: Service) => Promise<void>) {
  await using service = await startService(data, settings)
  await work(service)
}

/** Backs up a database that hardly compresses. */
async function takeSet(service: Service): Promise<void> {
  await using server = await startPostgres({ version: 15, settings: { wal_keep_size: '1GB' } })
  await noise(server, Number(values.megabytes))
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, server.address.password ?? '', { mode: 0o600 })
  const login = ['--user', server.address.user, '--password-file', passwordFile, '--ssl-mode', 'disable']
  await service.call('instances', 'add', 'pg-bench', '--node', `127.0.0.1:${server.address.port}`, ...login)
  await service.call('backups', 'take', 'pg-bench')
}

async function linkOf(service: Service): Promise<string> {
  const page = (await service.call('call', 'DescribeBackups', 'DBInstanceId=pg-bench')) as {
    Items: { Backup: { BackupDownloadURL: string }[] }
  }
  return page.Items.Backup[0]?.BackupDownloadURL ?? ''
}

async function onlyFile(below: string): Promise<string> {
  const { stdout } = await run('find', [below, '-name', 'data.tar.zst'])
  return stdout.trim()
}

interface Race {
  readonly name: string
  readonly ours: Cost[]
  readonly nginx: Cost[]
}

/** curl reads the whole set from both in turn; the first round warms up. */
async function race(name: string, file: string, link: string, tls: boolean): Promise<Race> {
  const port = await freePort()
  const nginx = spawn('nginx', ['-c', await nginxConfig(port, file, tls)], { stdio: ['ignore', 'inherit', 'inherit'] })
  await wait(500)
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}/data.tar.zst`
  const get = (from: string) => shell(`curl -sSfk -o /dev/null '${from}'`)
  const result: Race = { name, ours: [], nginx: [] }
  const steps = [async () => result.ours.push(await get(link)), async () => result.nginx.push(await get(url))]
  for (let round = 0; round <= rounds; round++) {
    for (const step of round % 2 === 0 ? steps : steps.toReversed()) await step()
    if (round === 0) result.ours.length = result.nginx.length = 0
  }
  nginx.kill()
  return result
}

async function nginxConfig(port: number, file: string, tls: boolean): Promise<string> {
  const path = join(directory, 'nginx.conf')
  await mkdir(join(directory, 'nginx'), { recursive: true })
  const pair = tls ? `ssl_certificate ${directory}/tls.crt; ssl_certificate_key ${directory}/tls.key;` : ''
  await writeFile(
    path,
    `user root; daemon off; pid ${directory}/nginx.pid; error_log stderr error; worker_processes 1; events {}
http { access_log off; sendfile on; tcp_nopush on; client_body_temp_path ${directory}/nginx;
server { listen 127.0.0.1:${port}${tls ? ' ssl' : ''}; ${pair} location = /data.tar.zst { alias ${file}; } } }
`,
  )
  return path
}

function report(races: readonly Race[], size: number): void {
  const rate = (costs: readonly Cost[]) => costs.map(({ seconds }) => size / 1e6 / seconds)
  const body = `A set of ${(size / 1e9).toFixed(2)} GB read whole by curl through its link, and the same file given by nginx (sendfile, one worker);
${rounds} counted rounds after a warm-up, order alternated; MB/s, median and spread. Aims: 0.7 of nginx on loopback, 0.95 over TLS.

${table(
  ['', 'Holdfast, MB/s', 'nginx, MB/s', 'ratio'],
  races.map(({ name, ours, nginx }) => [
    name,
    spread(rate(ours), 0),
    spread(rate(nginx), 0),
    (median(rate(ours)) / median(rate(nginx))).toFixed(2),
  ]),
)}`
  writeSection('Download', 'npm run bench:download', body)
  process.stdout.write(`${body}\n`)
}
