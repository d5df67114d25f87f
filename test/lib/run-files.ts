import { once } from 'node:events'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import type { FileResult } from './areas.ts'

/** A file that is not done after so long is ended and has failed. */
const TIMEOUT_MS = 8 * 60_000

/** Runs test files, two at a time, each in a process of its own. Their output and node's own summary go to stdout. */
export async function runFiles(files: readonly string[]): Promise<FileResult[]> {
  const results = new Map<string, FileResult>(files.map((file) => [file, nothing(file)]))
  const events = run({ files: [...files], concurrency: 2, timeout: TIMEOUT_MS })
  events.on('test:summary', ({ file, counts, duration_ms }) => {
    if (file === undefined) return
    const skipped = counts.skipped + counts.todo
    const failed = counts.tests - counts.passed - skipped
    results.set(file, {
      file,
      tests: counts.tests,
      passed: counts.passed,
      failed,
      skipped,
      seconds: duration_ms / 1000,
    })
  })
  // A process that ends badly fails as a whole, as a test with the name of its file.
  events.on('test:fail', ({ name }) => {
    const result = results.get(name)
    if (result) results.set(name, { ...result, failed: result.failed + 1 })
  })
  const report = events.compose(spec)
  report.pipe(process.stdout, { end: false })
  await once(report, 'end')
  return [...results.values()]
}

const nothing = (file: string): FileResult => ({ file, tests: 0, passed: 0, failed: 0, skipped: 0, seconds: 0 })
