import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Fault } from '../core/fault.ts'
import { CONFIG_KEYS } from './keys.ts'
import { checkConfig, loadConfig } from './load.ts'
import { sampleConfig } from './sample.ts'

const directory = mkdtempSync(join(tmpdir(), 'holdfast-config-'))
after(() => rmSync(directory, { recursive: true }))

let files = 0
function file(text: string): string {
  const path = join(directory, `${files++}.yaml`)
  writeFileSync(path, text)
  return path
}

const problemsOf = (sources: { file?: string; env?: Record<string, string>; flags?: Record<string, string> }) =>
  checkConfig({ env: {}, flags: {}, ...sources }).problems?.map(({ path, what, hint }) => ({ path, what, hint })) ?? []

test('without any source every default is filled in and every path is absolute', () => {
  const config = loadConfig({ env: {}, flags: {} })
  assert.equal(config.dataDir, join(process.cwd(), 'data'))
  assert.equal(config.keyFile, join(process.cwd(), 'data/key'))
  assert.equal(config.catalog.url, `sqlite:${join(process.cwd(), 'data/catalog.db')}`)
  assert.equal(config.store.url, `file://${join(process.cwd(), 'data/store')}`)
  assert.equal(config.api.port, 8080)
})

test('flags lie over the environment, that over the file, that over the defaults', () => {
  const path = file('api:\n  port: 1001\n  host: 127.0.0.2\nregion: cn-beijing\nworker:\n  concurrency: 7\n')
  const env = { HOLDFAST_API_PORT: '1002', HOLDFAST_API_HOST: '127.0.0.3' }
  const config = loadConfig({ file: path, env, flags: { 'api.port': '1003' } })
  assert.deepEqual(
    [config.api.port, config.api.host, config.region, config.worker.concurrency, config.worker.attempts],
    [1003, '127.0.0.3', 'cn-beijing', 7, 3],
  )
})

test('paths in the file are relative to its directory', () => {
  const config = loadConfig({ file: file('dataDir: here\nrestore:\n  roots: [r]\n'), env: {}, flags: {} })
  assert.equal(config.dataDir, join(directory, 'here'))
  assert.deepEqual(config.restore.roots, [join(directory, 'r')])
})

test('lists and switches can be given in the environment', () => {
  const env = { HOLDFAST_RESTORE_ROOTS: '/a, /b', HOLDFAST_API_ALLOW_PLAINTEXT: 'true', HOLDFAST_API_HOST: '0.0.0.0' }
  const config = loadConfig({ env, flags: {} })
  assert.deepEqual(config.restore.roots, ['/a', '/b'])
  assert.equal(config.api.allowPlaintext, true)
})

test('a list can be given as JSON, for items with commas', () => {
  const config = loadConfig({ env: {}, flags: { 'restore.roots': '["/a,b", "/c"]' } })
  assert.deepEqual(config.restore.roots, ['/a,b', '/c'])
  assert.equal(problemsOf({ flags: { 'restore.roots': '["/a' } })[0]?.path, 'restore.roots')
})

test('the configuration cannot be changed', () => {
  const config = loadConfig({ env: {}, flags: {} })
  assert.throws(() => Object.assign(config.api, { port: 1 }), TypeError)
  assert.throws(() => (config.restore.roots as string[]).push('/'), TypeError)
})

test('all problems are reported at once, each with its path', () => {
  const path = file('api:\n  port: high\n  hots: x\nlimits:\n  body: 3\nlog:\n  level: loud\nregoin: x\n')
  const problems = problemsOf({
    file: path,
    env: { HOLDFAST_WORKER_CONCURENCY: '2' },
    flags: { 'api.host': '0.0.0.0' },
  })
  assert.deepEqual(problems.map((problem) => problem.path).toSorted(), [
    'HOLDFAST_WORKER_CONCURENCY',
    'api.host',
    'api.hots',
    'api.port',
    'limits.body',
    'log.level',
    'regoin',
  ])
})

test('an unknown name is answered with the nearest one', () => {
  assert.deepEqual(problemsOf({ file: file('api:\n  hots: x\n') }), [
    { path: 'api.hots', what: 'no such setting', hint: 'Did you mean api.host?' },
  ])
  assert.equal(problemsOf({ env: { HOLDFAST_DATADIR: 'x' } })[0]?.hint, 'Did you mean HOLDFAST_DATA_DIR?')
})

test('a wrong value is told with its bounds and where it came from', () => {
  const [problem] = problemsOf({ env: { HOLDFAST_API_PORT: '70000' } })
  assert.equal(problem?.what, 'must be a whole number from 0 up to 65535 (from HOLDFAST_API_PORT)')
})

test('numbers have one form: 1e3, 0x10 and an empty text are none', () => {
  for (const text of ['1e3', '0x10', '', ' 5', '+5']) {
    assert.equal(problemsOf({ env: { HOLDFAST_API_PORT: text } }).length, 1, text)
  }
})

test('listening beyond loopback without TLS must be asked for', () => {
  assert.equal(problemsOf({ flags: { 'api.host': '10.0.0.1' } })[0]?.path, 'api.host')
  assert.deepEqual(problemsOf({ flags: { 'api.host': '10.0.0.1', 'api.allowPlaintext': 'true' } }), [])
})

test('metrics listen on loopback only', () => {
  assert.equal(problemsOf({ flags: { 'metrics.host': '0.0.0.0' } })[0]?.path, 'metrics.host')
})

test('a password in the URL of the catalog is refused', () => {
  const problems = problemsOf({ flags: { 'catalog.url': 'postgres://u:hunter2@db/holdfast' } })
  assert.equal(problems[0]?.path, 'catalog.url')
  assert.ok(!JSON.stringify(problems).includes('hunter2'))
})

test('what an orchestrator puts into the environment for a service of our name is left alone', () => {
  const env = {
    HOLDFAST_SERVICE_HOST: '10.1.1.1',
    HOLDFAST_PORT: 'tcp://10.1.1.1:80',
    HOLDFAST_PORT_80_TCP_PROTO: 'tcp',
  }
  assert.deepEqual(problemsOf({ env }), [])
})

test('a file that is missing, or no YAML, is one problem that names it', () => {
  assert.equal(problemsOf({ file: join(directory, 'none.yaml') })[0]?.what, 'no such file')
  assert.equal(problemsOf({ file: file('a: [') })[0]?.hint, 'The file must be YAML.')
  assert.equal(problemsOf({ file: file('- 1\n') })[0]?.what, 'holds no settings')
})

test('loadConfig throws one Fault that holds every problem', () => {
  assert.throws(
    () => loadConfig({ env: { HOLDFAST_API_PORT: 'x', HOLDFAST_LOG_LEVEL: 'y' }, flags: {} }),
    (error) =>
      Fault.is(error, 'invalid') && error.message.includes('api.port: ') && error.message.includes('log.level: '),
  )
})

test('encryption asks for two recipients, or for one by name', () => {
  const [one, other] = [
    'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj',
    'age19s268xmwgrdlreha5nh3nmsaph5jaut0mpklfgrdp35l9sswpu5smzz9l8',
  ]
  const about = (recipients: string, more: Record<string, string> = {}) =>
    problemsOf({ flags: { 'encryption.recipients': recipients, ...more } })
  assert.deepEqual(about(`${one},${other}`), [])
  assert.match(about(one)[0]?.hint ?? '', /kept elsewhere, or set encryption.oneRecipient: true/)
  assert.deepEqual(about(one, { 'encryption.oneRecipient': 'true' }), [])
  assert.match(about(`${one},${one}`)[0]?.what ?? '', /twice/)
  for (const none of ['age1x', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA', one.toUpperCase()]) {
    assert.equal(about(`${other},${none}`)[0]?.path, 'encryption.recipients.1', none)
  }
})

test('an identity file that others may read, or that is not there, is refused', () => {
  const path = file('AGE-SECRET-KEY-1')
  const about = () => problemsOf({ flags: { 'encryption.identityFile': path } })
  chmodSync(path, 0o640)
  assert.deepEqual(about(), [
    { path: 'encryption.identityFile', what: 'mode 0640 lets others at it', hint: `Run chmod 600 ${path}.` },
  ])
  chmodSync(path, 0o600)
  assert.deepEqual(about(), [])
  rmSync(path)
  assert.match(about()[0]?.what ?? '', /no such file/)
})

test('the sample is a valid file that changes nothing', () => {
  const sampled = loadConfig({ file: file(sampleConfig()), env: {}, flags: { dataDir: '/d' } })
  assert.deepEqual(sampled, loadConfig({ env: {}, flags: { dataDir: '/d' } }))
})

test('the sample with its comments taken off settings is the defaults written out', () => {
  const written = sampleConfig()
    .split('\n')
    .filter((line) => /^\s*# [a-zA-Z]+: [^ ]+$/.test(line))
    .join('\n')
  for (const key of CONFIG_KEYS) {
    if (key.default !== undefined) assert.ok(written.includes(`# ${key.path.split('.').at(-1)}: `), key.path)
  }
})
