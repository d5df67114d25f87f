/** What became of one test file. */
export interface FileResult {
  readonly file: string
  /** Zero when its process ended before it could tell. */
  readonly tests: number
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
}

const HEADINGS = ['area', 'files', 'tests', 'passed', 'failed', 'skipped', 'seconds']

/** A table of what ran, one line an area, for people. */
export function formatAreas(results: readonly FileResult[], areaOf: (file: string) => string): string {
  const areas = Map.groupBy(results, (result) => areaOf(result.file))
  const lines = [...areas].map(([area, files]) => line(area, files))
  const table = [HEADINGS, ...lines, line('all', results)]
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)
  return table.map((row) => row.map(pad).join('  ')).join('\n')
}

function line(area: string, files: readonly FileResult[]): string[] {
  const sum = (of: (result: FileResult) => number) => files.reduce((total, result) => total + of(result), 0)
  const counts = [files.length, sum((r) => r.tests), sum((r) => r.passed), sum((r) => r.failed), sum((r) => r.skipped)]
  return [area, ...counts.map(String), sum((r) => r.seconds).toFixed(1)]
}

/** Why a run is not good, in plain words; empty when every file had tests and every test ran and passed. */
export function verdict(results: readonly FileResult[]): string[] {
  const about = (what: string, bad: (result: FileResult) => boolean) =>
    results.filter(bad).map((result) => `${what}: ${result.file}`)
  return [
    ...(results.length === 0 ? ['no test file was found'] : []),
    ...about('failed', (result) => result.failed > 0),
    ...about('has no tests, or ended before they ran', (result) => result.tests === 0 && result.failed === 0),
    ...about('skipped tests', (result) => result.skipped > 0),
  ]
}
