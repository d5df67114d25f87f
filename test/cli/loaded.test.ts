import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Writes the name of each package that is loaded to standard error. */
const TELL = `import { registerHooks } from 'node:module'
registerHooks({
  resolve(specifier, context, next) {
    if (/^[a-z@]/.test(specifier) && !/^(node|file|data):/.test(specifier)) process.stderr.write('loads ' + specifier + '\\n')
    return next(specifier, context)
  },
})`

/** The packages that a command loads before it ends. */
const loadedBy = (...args: string[]) =>
  new Promise<ReadonlySet<string>>((resolve) => {
    const preload = ['--import', `data:text/javascript,${encodeURIComponent(TELL)}`]
    execFile(process.execPath, [...preload, MAIN, ...args], (_error, _out, err) => {
      resolve(new Set([...err.matchAll(/^loads (.+)$/gm)].map(([, name = '']) => name)))
    })
  })

const NEEDS_A_SERVICE_ONLY = ['backups', 'show', '1', '--endpoint', 'http://127.0.0.1:1', '--access-key-id', 'id']

test('a command that only calls a service waits for nothing of databases, encryption or mail', async () => {
  const loaded = await loadedBy(...NEEDS_A_SERVICE_ONLY)
  assert.ok(loaded.has('commander') && loaded.has('zod'))
  for (const other of ['kysely', 'pg', 'age-encryption', 'nodemailer', 'croner']) assert.ok(!loaded.has(other), other)
})

test('a restore straight from a store loads no catalog', async () => {
  const loaded = await loadedBy('backups', 'restore', '--store', 'file:///nowhere', '--list')
  assert.ok(loaded.has('age-encryption'))
  assert.ok(!loaded.has('kysely') && !loaded.has('pg') && !loaded.has('nodemailer'))
})
