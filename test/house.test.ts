import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, suite, test } from 'node:test'
import { crossings, OFFENDERS, PERMITTED, TYPE_OFFENDERS } from './lib/offenders.ts'

const root = dirname(import.meta.dirname)

/** A directory that has our lint and compiler settings, and these files. */
function houseWith(files: Readonly<Record<string, string>>): string {
  const house = mkdtempSync(join(tmpdir(), 'holdfast-house-'))
  after(() => rmSync(house, { recursive: true }))
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) cpSync(join(root, name), join(house, name))
  symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(house, name)), { recursive: true })
    writeFileSync(join(house, name), text)
  }
  return house
}

/** The rules that oxlint, called as `npm run check` calls it, finds broken in each file. */
function lint(house: string): Map<string, Set<string>> {
  const args = ['--type-aware', '--deny-warnings', '--format', 'json', 'src', 'test']
  const { stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/oxlint'), args, {
    cwd: house,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  assert.ok(stdout.startsWith('{'), stderr || stdout)
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] }
  const found = new Map<string, Set<string>>()
  for (const { code, filename } of diagnostics) found.set(filename, (found.get(filename) ?? new Set()).add(code))
  return found
}

suite('lint refuses each offence', () => {
  const files = Object.fromEntries(OFFENDERS.flatMap(({ files }) => Object.entries(files)))
  const found = lint(houseWith(files))
  for (const { rule, what, files } of OFFENDERS) {
    test(`${what} (${rule})`, () => {
      for (const file of Object.keys(files).slice(0, 1)) {
        assert.ok(found.get(file)?.has(rule), `${file}: ${[...(found.get(file) ?? [])].join(', ') || 'nothing found'}`)
      }
    })
  }
})

suite('imports go one way', () => {
  const { forbidden, allowed } = crossings()
  const found = lint(houseWith(Object.fromEntries([...forbidden, ...allowed].map(({ file, text }) => [file, text]))))
  for (const { file, from, to } of forbidden) {
    test(`${from} may not import ${to}`, () => {
      assert.deepEqual([...(found.get(file) ?? [])], ['eslint(no-restricted-imports)'])
    })
  }
  test('what a layer may know, it may import', () => {
    for (const { file, from, to } of allowed) assert.deepEqual(found.get(file), undefined, `${from} imports ${to}`)
  })
})

test('lint finds nothing in clean files, nor in what only config, the clock and tests may do', () => {
  assert.deepEqual([...lint(houseWith(PERMITTED))], [])
})

test('the compiler refuses what Node cannot run as it is, and unchecked values', () => {
  const house = houseWith({ ...TYPE_OFFENDERS, ...PERMITTED })
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--pretty', 'false'], {
    cwd: house,
    encoding: 'utf8',
  })
  const refused = new Set([...stdout.matchAll(/^(\S+)\(\d+,\d+\): error TS/gm)].map((match) => match[1]))
  assert.deepEqual([...refused].map(String).toSorted(), Object.keys(TYPE_OFFENDERS).toSorted())
})

suite('what no lint rule knows', () => {
  const sources = () => Array.fromAsync(glob('{src,test,quickstart,bench,docs}/**/*.ts', { cwd: root }))

  test('no file or folder is called utils, helpers, common, shared or index', async () => {
    const vague = /(^|\/)(utils?|helpers?|common|shared|misc|index)(\/|\.ts$)/
    const files = await sources()
    assert.ok(files.length > 50)
    assert.ok(vague.test('src/lib/utils.ts') && vague.test('src/helpers/x.ts') && vague.test('src/store/index.ts'))
    assert.deepEqual(
      files.filter((file) => vague.test(file)),
      [],
    )
  })

  test('no file switches a rule off, and no test is skipped', async () => {
    // Put together here, so that this file does not find itself.
    const off = new RegExp(
      ['(ox|es)lint-' + 'disable', '@ts-' + '(ignore|nocheck)', 'test\\.' + '(skip|only|todo)'].join('|'),
    )
    assert.ok(off.test('// oxlint-' + 'disable-next-line') && off.test('test.' + "skip('x')"))
    const found = []
    for (const file of await sources()) if (off.test(await readFile(join(root, file), 'utf8'))) found.push(file)
    assert.deepEqual(found, ['test/lib/offenders.ts'])
  })
})
