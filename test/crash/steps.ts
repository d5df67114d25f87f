import { writeSync } from 'node:fs'

/** What a process of these tests is told, as the JSON of its one argument. */
export interface Order {
  /** The directory of the scene. */
  readonly directory: string
  readonly engine: 'fake' | 'postgres'
  /** Bytes of the pretended database. */
  readonly contentBytes: number
  /** The step, counted from zero, at which the process ends or stops itself; none in a dry run. */
  readonly at?: number | undefined
  readonly signal?: 'SIGKILL' | 'SIGSTOP' | undefined
}

/** What the process says on stdout: when it comes to its step, and all steps that it took when it ends by itself. */
export type Said = { readonly reached: string } | { readonly steps: readonly string[] }

/** The order that this process was given. */
export const order = JSON.parse(process.argv[2] ?? '{}') as Order

const steps: string[] = []

/** One step that this process is about to take. At the ordered one it gets the ordered signal, before the step is done. */
export function reach(step: string): void {
  const at = steps.push(step) - 1
  if (at !== order.at || order.signal === undefined) return
  say({ reached: step })
  process.kill(process.pid, order.signal)
}

/** Says all steps that were taken. */
export const saySteps = (): void => say({ steps })

/** Written at once, since the process may not live to the next turn of its event loop. */
function say(said: Said): void {
  writeSync(1, `${JSON.stringify(said)}\n`)
}
