import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../lib/eventually.ts'
import { clientEnv, lives, runHoldfast, SLOW, startServe, temporaryDirectory, type Serve } from '../lib/service.ts'

const childOf = (serve: Serve, role: string) =>
  serve
    .log()
    .filter((line) => line.role === role)
    .at(-1)?.pid ?? 0

test('serve says once that it is ready, with the URL of the port that it really got', async () => {
  await using directory = await temporaryDirectory()
  await using serve = startServe({ directory: directory.path })
  const health = await fetch(`${await serve.url()}/healthz`)
  assert.equal(health.status, 200)
  assert.equal(serve.log().filter(({ msg }) => msg === 'ready').length, 1)
})

test('without a key every call is refused, and the logged command makes the first one', async () => {
  await using directory = await temporaryDirectory()
  await using serve = startServe({ directory: directory.path })
  const url = await serve.url()
  const { command } = await serve.line('no access key: every call is refused until one is made')
  const refused = await runHoldfast(['keys', 'list'], {
    HOLDFAST_ENDPOINT: url,
    HOLDFAST_ACCESS_KEY_ID: 'x',
    HOLDFAST_ACCESS_KEY_SECRET: 'y',
  })
  assert.equal(refused.code, 3)
  const words = String(command).split(' ')
  assert.deepEqual(words.slice(0, 4), ['holdfast', 'keys', 'add', '--local'])
  const made = await runHoldfast([...words.slice(1), '--json'])
  const key = JSON.parse(made.out) as { AccessKeyId: string; AccessKeySecret: string }
  const listed = await runHoldfast(['keys', 'list', '--json'], {
    HOLDFAST_ENDPOINT: url,
    HOLDFAST_ACCESS_KEY_ID: key.AccessKeyId,
    HOLDFAST_ACCESS_KEY_SECRET: key.AccessKeySecret,
  })
  assert.equal(listed.code, 0, listed.err)
  assert.ok(!listed.out.includes(key.AccessKeySecret))
  assert.ok(!serve.text().includes(key.AccessKeySecret))
})

test('a second serve on the same data directory is refused and names the first', async () => {
  await using directory = await temporaryDirectory()
  await using serve = startServe({ directory: directory.path })
  await serve.url()
  await using second = startServe({ directory: directory.path })
  assert.equal(await second.exited, 6)
  assert.match(second.text(), new RegExp(`process ${serve.pid}`))
})

test('SIGTERM ends an idle service with exit code 0, and gives the directory free', async () => {
  await using directory = await temporaryDirectory()
  await using serve = startServe({ directory: directory.path })
  await serve.url()
  serve.signal('SIGTERM')
  assert.equal(await serve.exited, 0)
  await using next = startServe({ directory: directory.path })
  await next.url()
})

test('a port that is taken ends the service with the reason, and leaves no child', async () => {
  await using directory = await temporaryDirectory()
  await using other = await temporaryDirectory()
  await using serve = startServe({ directory: directory.path })
  const { port } = new URL(await serve.url())
  await using second = startServe({ directory: other.path, args: ['--set', `api.port=${port}`, '--port', port] })
  assert.notEqual(await second.exited, 0)
  assert.match(second.text(), new RegExp(`error: .*${port}`))
  const pids = new Set(second.log().map(({ pid }) => pid))
  for (const pid of pids) assert.equal(lives(pid), false)
})

test('a child that was killed is started again, the API on the same port', async () => {
  await using directory = await temporaryDirectory()
  await using serve = startServe({ directory: directory.path, args: ['--set', 'log.level=debug'] })
  const url = await serve.url()
  const env = await clientEnv(directory.path, url)
  await runHoldfast(
    ['instances', 'add', 'x', '--node', '127.0.0.1:1', '--user', 'u', '--no-password', '--allow-unready'],
    env,
  )
  await eventually(async () => childOf(serve, 'worker') > 0, 'a line of the worker')
  const worker = childOf(serve, 'worker')
  process.kill(worker, 'SIGKILL')
  await serve.line('child died, starting it again')
  await eventually(async () => childOf(serve, 'worker') !== worker, 'another worker')
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
})

test('when the parent is killed its children go, and the next serve takes over', async () => {
  await using directory = await temporaryDirectory()
  await using serve = startServe({ directory: directory.path })
  await serve.url()
  await eventually(async () => childOf(serve, 'worker') > 0, 'a line of the worker')
  const worker = childOf(serve, 'worker')
  serve.signal('SIGKILL')
  await serve.exited
  await eventually(async () => !lives(worker), 'the end of the worker')
  await using next = startServe({ directory: directory.path })
  await next.url()
})

/** A service with a backup that runs for about `ms`. */
async function busyServe(directory: string, ms: number, args: readonly string[] = []) {
  const serve = startServe({
    program: SLOW,
    directory,
    args: ['--set', 'worker.leaseSeconds=2', '--set', 'worker.pollSeconds=0.5', ...args],
    env: { HOLDFAST_TEST_CHUNK_MS: String(ms / 100) },
  })
  const env = await clientEnv(directory, await serve.url())
  await runHoldfast(['instances', 'add', 'pgm-1', '--node', 'slow', '--user', 'u', '--no-password'], env)
  await runHoldfast(['backups', 'take', 'pgm-1', '--no-wait'], env)
  await eventually(async () => serve.log().some(({ kind }) => kind === 'take-backup'), 'the start of the backup')
  return { serve, env }
}

const setsOf = async (env: Record<string, string>) =>
  JSON.parse((await runHoldfast(['backups', 'list', 'pgm-1', '--json'], env)).out) as { BackupStatus: string }[]

test('SIGTERM lets a backup that is nearly done end', async () => {
  await using directory = await temporaryDirectory()
  const { serve } = await busyServe(directory.path, 2000)
  await using _ = serve
  serve.signal('SIGTERM')
  assert.equal(await serve.exited, 0)
  assert.ok(serve.log().some(({ msg, kind }) => msg === 'task finished' && kind === 'take-backup'))
})

test('SIGTERM gives back a backup that takes longer, and the next serve does it', async () => {
  await using directory = await temporaryDirectory()
  const { serve } = await busyServe(directory.path, 60_000, ['--set', 'worker.stopSeconds=0.2'])
  await using _ = serve
  serve.signal('SIGTERM')
  assert.equal(await serve.exited, 0)
  assert.ok(serve.log().some(({ msg }) => msg === 'task given back'))
  await using next = startServe({ program: SLOW, directory: directory.path })
  const env = await clientEnv(directory.path, await next.url())
  await eventually(async () => (await setsOf(env)).length > 0, 'a set')
  assert.deepEqual(
    (await setsOf(env)).map((set) => set.BackupStatus),
    ['Success'],
  )
})

test('a second SIGTERM ends everything at once', async () => {
  await using directory = await temporaryDirectory()
  const { serve } = await busyServe(directory.path, 60_000)
  await using _ = serve
  const worker = childOf(serve, 'worker')
  serve.signal('SIGTERM')
  await serve.line('stopping')
  serve.signal('SIGTERM')
  assert.equal(await serve.exited, 130)
  assert.equal(lives(worker), false)
})

test('a worker that is killed in the middle of a backup takes it up again after its lease', async () => {
  await using directory = await temporaryDirectory()
  const { serve, env } = await busyServe(directory.path, 1500)
  await using _ = serve
  process.kill(childOf(serve, 'worker'), 'SIGKILL')
  await eventually(async () => (await setsOf(env)).length > 0, 'a set')
  assert.deepEqual(
    (await setsOf(env)).map((set) => set.BackupStatus),
    ['Success'],
  )
})

test('a worker that was stopped past its lease does not commit, and the backup is there once', async () => {
  await using directory = await temporaryDirectory()
  const { serve, env } = await busyServe(directory.path, 1500)
  await using _ = serve
  const worker = childOf(serve, 'worker')
  process.kill(worker, 'SIGSTOP')
  await new Promise((resolve) => setTimeout(resolve, 2500))
  process.kill(worker, 'SIGCONT')
  await serve.line('task lost: another worker may have it')
  await eventually(async () => (await setsOf(env)).length > 0, 'a set')
  assert.deepEqual(
    (await setsOf(env)).map((set) => set.BackupStatus),
    ['Success'],
  )
})

test('serve --role all does both in one process, and ends on SIGTERM', async () => {
  await using directory = await temporaryDirectory()
  await using serve = startServe({ directory: directory.path, args: ['--role', 'all'] })
  assert.equal((await fetch(`${await serve.url()}/healthz`)).status, 200)
  assert.deepEqual(new Set(serve.log().map(({ pid }) => pid)), new Set([serve.pid]))
  serve.signal('SIGTERM')
  assert.equal(await serve.exited, 0)
})

test('serve --role all ends at once at a second SIGTERM', async () => {
  await using directory = await temporaryDirectory()
  const { serve } = await busyServe(directory.path, 60_000, ['--role', 'all'])
  await using _ = serve
  serve.signal('SIGTERM')
  await serve.line('stopping')
  serve.signal('SIGTERM')
  assert.equal(await serve.exited, 130)
})

test('api and worker may run apart on one data directory, and wake each other by the poll', async () => {
  await using directory = await temporaryDirectory()
  await using api = startServe({ program: SLOW, directory: directory.path, args: ['--role', 'api'] })
  const url = await api.url()
  await using worker = startServe({
    program: SLOW,
    directory: directory.path,
    args: ['--role', 'worker', '--set', 'worker.pollSeconds=0.2'],
  })
  await worker.line('ready')
  const env = await clientEnv(directory.path, url)
  await runHoldfast(['instances', 'add', 'pgm-1', '--node', 'slow', '--user', 'u', '--no-password'], env)
  const taken = await runHoldfast(['backups', 'take', 'pgm-1'], env)
  assert.equal(taken.code, 0, taken.err)
})

test('a wrong configuration ends serve before anything is made', async () => {
  await using directory = await temporaryDirectory()
  await using serve = startServe({
    directory: directory.path,
    args: ['--set', 'api.hots=x', '--set', 'log.level=loud'],
  })
  assert.equal(await serve.exited, 2)
  assert.match(serve.text(), /api\.hots.*Did you mean api\.host/)
  assert.match(serve.text(), /log\.level/)
})
