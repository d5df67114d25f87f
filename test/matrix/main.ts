import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CASES } from './cases.ts'
import { versionsPage, type Outcome } from './page.ts'
import { MAJORS, programsOf, type MajorPrograms } from './programs.ts'

const PAGE = join(import.meta.dirname, '../../docs/reference/postgresql-versions.md')

/** `--only 17` runs that version alone, with the tools of newer ones; the page is of a run of all. */
const only = process.argv.includes('--only') ? Number(process.argv[process.argv.indexOf('--only') + 1]) : undefined

await using stack = new AsyncDisposableStack()
const all: MajorPrograms[] = []
const outcomes: Outcome[] = []
for (const major of MAJORS) {
  try {
    all.push(stack.use(await programsOf(major)))
  } catch (error) {
    outcomes.push(...CASES.map(({ what }) => ({ major, what, result: reasonOf(error) })))
    console.error(`error: PostgreSQL ${major} cannot be had: ${reasonOf(error).message}`)
  }
}
for (const programs of all.filter(({ major }) => only === undefined || major === only)) {
  console.log(`PostgreSQL ${programs.version} of ${programs.source}`)
  for (const { what, since, run } of CASES) {
    if (programs.major < since) continue
    const result = await run({ programs, all }).catch(reasonOf)
    outcomes.push({ major: programs.major, what, result })
    if (result instanceof Error) console.error(`error: ${what}: ${result.stack}`)
    else console.log(`  ${what}: yes${result === '' ? '' : ` (${result})`}`)
  }
}
if (only === undefined) await writeFile(PAGE, versionsPage(all, outcomes))
const failed = outcomes.filter(({ result }) => result instanceof Error).length
console.log(`${outcomes.length - failed} of ${outcomes.length} pass`)
process.exitCode = failed > 0 || outcomes.length === 0 ? 1 : 0

/** Why something failed: what a program said last, where it was one that failed. */
function reasonOf(error: unknown): Error {
  const { stderr } = error as { stderr?: string }
  const said = stderr?.trim().split('\n').slice(-3).join(' ')
  if (said !== undefined && said !== '') return new Error(said, { cause: error })
  return error instanceof Error ? error : new Error(String(error))
}
