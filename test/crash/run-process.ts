import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Scene } from './scene.ts'
import type { Order, Said } from './steps.ts'

const COUNT_FILES = pathToFileURL(join(import.meta.dirname, 'count-files.ts')).href
const PROGRAM = join(import.meta.dirname, 'worker-process.ts')

/** Hundreds of processes load the same files: the first compiles them for all. */
const compiled = mkdtempSync(join(tmpdir(), 'holdfast-compiled-'))
process.on('exit', () => rmSync(compiled, { recursive: true, force: true }))

/** What became of a worker process. */
export interface Ended {
  /** The step at which it was killed or stopped; undefined when it never came so far. */
  readonly reached: string | undefined
  /** All steps it took; undefined when it did not end by itself. */
  readonly steps: readonly string[] | undefined
  readonly exit: string
  /** What it logged. */
  readonly log: string
}

/** How a worker process shall end: never by us when empty. */
export interface Doom {
  readonly at?: number
  readonly signal?: 'SIGKILL' | 'SIGSTOP'
  /** Done while the process is stopped; then it is continued. */
  readonly whileStopped?: () => Promise<void>
}

/** Runs a real worker on a scene to its end, whichever that is. */
export async function runWorkerProcess(scene: Scene, { at, signal, whileStopped }: Doom = {}): Promise<Ended> {
  const { directory, engine, contentBytes } = scene
  const order: Order = { directory, engine, contentBytes, at, signal }
  const child = spawn(process.execPath, ['--import', COUNT_FILES, PROGRAM, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  })
  const exited = once(child, 'close')
  let [log, reached]: [string, string | undefined] = ['', undefined]
  let steps: readonly string[] | undefined
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  try {
    for await (const line of createInterface(child.stdout)) {
      const said = JSON.parse(line) as Said
      if ('steps' in said) steps = said.steps
      else reached = said.reached
      if (reached === undefined || signal !== 'SIGSTOP' || steps) continue
      await stopped(child.pid ?? 0)
      await whileStopped?.()
      child.kill('SIGCONT')
    }
  } finally {
    // Nothing may stay behind, whatever the test thinks of it.
    if (child.exitCode === null && child.signalCode === null && signal !== 'SIGKILL') child.kill('SIGCONT')
  }
  const [code, by] = (await exited) as [number | null, NodeJS.Signals | null]
  return { reached, steps, exit: by ?? String(code), log }
}

/** Resolves when the process really stands still. */
async function stopped(pid: number): Promise<void> {
  for (;;) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    if (/\) [Tt] /.test(stat)) return
    await wait(1)
  }
}
