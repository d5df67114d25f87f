import { Fault, FAULTS } from '../core/fault.ts'

/** Where a command reads and writes: the process's own streams, or a test's. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean; setRawMode?: (raw: boolean) => unknown }
  readonly out: Writer
  readonly err: Writer
}

export interface Writer {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Prints `error: …` and `hint: …`. What is no Fault is a bug, and is shown with its stack. */
export function printFailure(error: unknown, err: Writer): void {
  if (!(error instanceof Fault)) {
    err.write(`error: internal error\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return
  }
  err.write(`error: ${error.message}\n`)
  if (error.hint !== undefined) err.write(`hint: ${error.hint}\n`)
}

/** The exit code that the table of faults gives a failure; 1 for a bug. */
export const exitCodeOf = (error: unknown): number => (error instanceof Fault ? FAULTS[error.code].exit : 1)
