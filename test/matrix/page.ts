import { CASES } from './cases.ts'
import { MAJORS, type MajorPrograms } from './programs.ts'

/** What became of a case with a major version: what it told, or why it failed. */
export interface Outcome {
  readonly major: number
  readonly what: string
  readonly result: string | Error
}

/** docs/reference/postgresql-versions.md, from one run over every version. */
export function versionsPage(all: readonly MajorPrograms[], outcomes: readonly Outcome[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const cell = (major: number, what: string) => {
    const found = outcomes.find((outcome) => outcome.major === major && outcome.what === what)
    if (!found) return '–'
    if (found.result instanceof Error) return '**no**'
    return found.result === '' ? 'yes' : `yes (${found.result})`
  }
  const failures = outcomes.flatMap(({ major, what, result }) =>
    result instanceof Error ? [`- ${major}: ${what}: ${result.message.split('\n')[0]}`] : [],
  )
  return `${[
    '# PostgreSQL versions that are tried',
    'Made by `npm run test:postgres`; do not edit. It runs the servers and the real tools of every version that is backed up. A version that has no tool of a name borrows that of the nearest newer one, which is told; – is what a version does not have.',
    [
      row(['', ...MAJORS.map(String)]),
      row(['---', ...MAJORS.map(() => '---')]),
      row(['version', ...MAJORS.map((major) => all.find((one) => one.major === major)?.version ?? '**none**')]),
      ...CASES.map(({ what }) => row([what, ...MAJORS.map((major) => cell(major, what))])),
    ].join('\n'),
    'The programs are of:',
    all.map(({ version, source }) => `- ${version}: ${source}`).join('\n'),
    ...(failures.length > 0 ? ['## What fails', failures.join('\n')] : []),
  ].join('\n\n')}\n`
}
