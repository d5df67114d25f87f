import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../lib/eventually.ts'
import { clientEnv, runHoldfast, SLOW, startServe, temporaryDirectory } from '../lib/service.ts'

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/guide/proxy.md'), 'utf8')

/** The guide's own block of a language. */
const blockOf = (language: string): string => new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(GUIDE)?.[1] ?? ''

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function makeCertificate(directory: string): { cert: string; key: string } {
  const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', [...made, ...names, '-keyout', files.key, '-out', files.cert], { stdio: 'ignore' })
  return files
}

/** The guide's nginx block, with names and ports of this test put in, run by a real nginx. */
async function startNginx(
  directory: string,
  ports: { listen: number; service: string },
  edit = (text: string) => text,
) {
  const { cert, key } = makeCertificate(directory)
  const block = blockOf('nginx')
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${ports.service}`)
    .replace('listen 443 ssl', `listen 127.0.0.1:${ports.listen} ssl`)
    .replaceAll('/etc/ssl/backup.example.com.pem', cert)
    .replaceAll('/etc/ssl/backup.example.com.key', key)
    .replaceAll('backup.example.com', 'localhost')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => {
    mkdirSync(join(directory, name))
    return `${name}_temp_path ${join(directory, name)};`
  })
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const file = join(directory, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off; ${user} pid ${directory}/nginx.pid; error_log ${directory}/error.log;
     events {} http { access_log off; ${temporary.join(' ')}\n${edit(block)} }`,
  )
  const nginx = spawn('/usr/sbin/nginx', ['-p', directory, '-c', file], { stdio: 'inherit' })
  const exited = once(nginx, 'exit')
  await eventually(() => accepts(ports.listen), 'nginx answers', 10)
  return {
    cert,
    async [Symbol.asyncDispose]() {
      nginx.kill('SIGTERM')
      await exited
    },
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** A service behind nginx, both as the guide says. */
async function behindProxy(directory: string, edit?: (text: string) => string) {
  const listen = await freePort()
  const config = join(directory, 'holdfast.yaml')
  const yaml = blockOf('yaml').replace('https://backup.example.com', `https://localhost:${listen}`)
  writeFileSync(config, yaml.replace('port: 8080', 'port: 0'))
  const data = join(directory, 'data')
  const serve = startServe({ program: SLOW, directory: data, args: ['--config', config, '--set', 'log.level=debug'] })
  const ready = await serve.line('ready')
  assert.equal(ready['url'], `https://localhost:${listen}`)
  const service = String(ready['port'])
  const nginx = await startNginx(directory, { listen, service }, edit)
  const client = await clientEnv(data, `https://localhost:${listen}`)
  const env: Record<string, string> = { ...client, NODE_EXTRA_CA_CERTS: nginx.cert }
  return {
    serve,
    env,
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]()
      await serve[Symbol.asyncDispose]()
    },
  }
}

test('behind nginx as the guide has it, signed calls, backups and downloads work over TLS', async () => {
  await using directory = await temporaryDirectory()
  await using proxied = await behindProxy(directory.path)
  const { env, serve } = proxied
  const added = await runHoldfast(['instances', 'add', 'pgm-1', '--node', 'slow', '--user', 'u', '--no-password'], env)
  assert.equal(added.code, 0, added.err)
  const taken = await runHoldfast(['backups', 'take', 'pgm-1', '--json'], env)
  assert.equal(taken.code, 0, taken.err)
  const set = JSON.parse(taken.out) as { BackupId: string; BackupSize: number; DownloadLink: string }
  assert.ok(set.DownloadLink.startsWith(`${env['HOLDFAST_ENDPOINT']}/link/`))
  const file = join(directory.path, 'set.tar.zst')
  const got = await runHoldfast(['backups', 'download', set.BackupId, '-o', file], env)
  assert.equal(got.code, 0, got.err)
  assert.equal((await stat(file)).size, set.BackupSize)
  assert.doesNotMatch(serve.text(), /SignatureDoesNotMatch/)
})

test('a proxy that changes Host makes calls fail, and the log says why', async () => {
  await using directory = await temporaryDirectory()
  const edit = (block: string) =>
    block.replace('proxy_set_header Host $http_host;', 'proxy_set_header Host $proxy_host;')
  await using proxied = await behindProxy(directory.path, edit)
  const { env, serve } = proxied
  const listed = await runHoldfast(['keys', 'list'], env)
  assert.equal(listed.code, 3)
  assert.match(listed.err, /SignatureDoesNotMatch/)
  const line = await serve.line('signature does not match')
  assert.equal(line['publicHost'], new URL(env['HOLDFAST_ENDPOINT'] ?? '').host)
  assert.match(String(line['hint']), /proxy\.md/)
})
