import { spawnSync } from 'node:child_process'
import { glob } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { aptLine, installNeeds, versions } from './install.ts'
import { type FileResult, formatAreas, verdict } from './lib/areas.ts'
import { runFiles } from './lib/run-files.ts'

const root = dirname(import.meta.dirname)

/** These areas run first, the quickest of them at the start; the others follow by name. */
const ORDER = ['unit', 'house', 'contract']

process.chdir(root)
process.exitCode = await main(process.argv[2] ?? 'all')

async function main(what: string): Promise<number> {
  if (what === 'unit') return runTests(await find('src/**/*.test.ts'))
  if (what === 'all') return runAll()
  console.error('error: no such kind of tests\nhint: Usage: node test/run.ts [all | unit].')
  return 2
}

async function runAll(): Promise<number> {
  const missing = installNeeds(process.env)
  if (missing.length > 0) {
    console.error(`error: the tests need ${missing.join(', ')}\nhint: Run: ${aptLine(missing)}`)
    return 1
  }
  console.log(versions().join('\n'))
  const files = await find('{src,quickstart,bench,docs,test}/**/*.test.ts')
  const clean = spawnSync('npm', ['run', '--silent', 'check'], { stdio: 'inherit' }).status === 0
  const failed = await runTests(files.toSorted((a, b) => rank(a) - rank(b)))
  if (!clean) console.error('error: npm run check refused the code; see above')
  return clean ? failed : 1
}

async function runTests(files: readonly string[]): Promise<number> {
  const results: FileResult[] = await runFiles(files.map((file) => join(root, file)))
  console.log(formatAreas(results, (file) => areaOf(file.slice(root.length + 1))))
  const problems = verdict(results)
  for (const problem of problems) console.error(`error: ${problem}`)
  return problems.length > 0 ? 1 : 0
}

async function find(pattern: string): Promise<string[]> {
  return (await Array.fromAsync(glob(pattern))).toSorted()
}

/** The folder below test, `house` for what stands in test itself, and `unit` for what stands beside its file. */
function areaOf(file: string): string {
  const [top, next = ''] = file.split('/')
  if (top !== 'test') return 'unit'
  return next.endsWith('.test.ts') ? 'house' : next
}

function rank(file: string): number {
  const at = ORDER.indexOf(areaOf(file))
  return at < 0 ? ORDER.length : at
}
