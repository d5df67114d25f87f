import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { freePort } from '../../quickstart/postgres-process.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres } from '../lib/postgres.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const readme = await readFile(join(root, 'README.md'), 'utf8')

/** The lines of the first block of code below a heading, without comments. */
function block(heading: string, language: string): string[] {
  const below = readme.slice(readme.indexOf(`\n## ${heading}\n`))
  const start = below.indexOf(`\`\`\`${language}\n`) + language.length + 4
  const lines = below.slice(start, below.indexOf('\n```', start)).split('\n')
  return language === 'sh' ? lines.map((line) => line.replace(/\s+#.*$/, '')).filter(Boolean) : lines
}

suite('the README, to the letter', () => {
  test('Two commands: both are there', () => {
    assert.deepEqual(block('Two commands', 'sh'), ['npm ci', 'npm run quickstart'])
  })

  test('Your own database, and With an SDK: every line does what it says', async () => {
    await using server = await startPostgres({ version: 18 })
    await server.query(`create role backup login replication password 'secret'; grant pg_monitor to backup`)
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-readme-'))
    await chmod(directory, 0o711)
    const port = await freePort()
    const lines = block('Your own database', 'sh')
    const [serve = '', keys = '', variables = '', ...rest] = lines
    assert.match(serve, /^bin\/holdfast serve /)
    assert.match(keys, /^bin\/holdfast keys add --local /)
    assert.match(variables, /^export /)

    await writeFile(join(directory, 'password'), 'secret')
    const owner = server.account
      ? ` --set restore.owner=${server.account.name} --set drills.directory=${directory}/drills`
      : ''
    const settings = ` --port ${port} --set metrics.port=0 --set restore.roots=${directory} --set restore.binDirs=${server.binDirectory}`
    const [command = '', ...args] = `${serve.replace('./data', join(directory, 'data'))}${settings}${owner}`.split(' ')
    const service = spawn(join(root, command), args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    service.stderr.on('data', (data: Buffer) => (log += data.toString()))
    try {
      await eventually(async () => log.includes('"msg":"ready"'), 'it is ready')
      const { stdout: key } = await run('sh', ['-c', keys.replace('./data', join(directory, 'data'))], { cwd: root })
      const [, id = '', secret = ''] = /id\s+(\S+)\s[^]*secret\s+(\S+)/.exec(key) ?? []
      const env = {
        ...process.env,
        HOLDFAST_ENDPOINT: `http://127.0.0.1:${port}`,
        HOLDFAST_ACCESS_KEY_ID: id,
        HOLDFAST_ACCESS_KEY_SECRET: secret,
      }
      for (const name of ['HOLDFAST_ENDPOINT', 'HOLDFAST_ACCESS_KEY_ID', 'HOLDFAST_ACCESS_KEY_SECRET'])
        assert.ok(variables.includes(`${name}=`), name)

      let set = ''
      for (const line of rest) {
        const real = line
          .replace('db1.example.org', `127.0.0.1:${server.address.port}`)
          .replace('--user backup', `--user backup --password-file ${directory}/password`)
          .replace('SET', set)
          .replace('/srv/restored', directory)
          .replace('bin/holdfast', join(root, 'bin/holdfast'))
        const { stdout } = await run('sh', ['-c', real], { cwd: directory, env })
        set ||= /set (\d+) of orders/.exec(stdout)?.[1] ?? ''
      }
      assert.match(set, /^\d+$/)
      assert.match(await readFile(join(directory, 'orders/data/PG_VERSION'), 'utf8'), /^18/)

      const script = block('With an SDK', 'js').join('\n').replace('127.0.0.1:8080', `127.0.0.1:${port}`)
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: root, env })
      assert.match(stdout, new RegExp(`^${set} Success http://127.0.0.1:${port}/link/`))
    } finally {
      service.kill('SIGTERM')
      await once(service, 'close')
      await rm(directory, { recursive: true, force: true })
    }
  })
})
