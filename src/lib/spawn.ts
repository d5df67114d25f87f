import { spawn as start } from 'node:child_process'
import { basename } from 'node:path'
import { collector, lastLines, reasonOf, redact, STDERR_LIMIT } from './child-words.ts'
import type { Options } from './streams.ts'

export interface SpawnOptions extends Options {
  readonly cwd?: string | undefined
  /** Whom the program runs as, when we are root. It gets no supplementary groups of ours. */
  readonly as?: { readonly uid: number; readonly gid: number } | undefined
  /** What it reads from stdin; nothing when absent. */
  readonly input?: string | undefined
  /** Texts that are cut out of whatever the program said before anybody sees it. */
  readonly secrets?: readonly string[] | undefined
  /** Makes the error of a program that could not start or did not exit with 0. */
  readonly fail: (message: string, cause?: unknown) => Error
}

export interface Spawned {
  readonly stdout: string
  /** Its last 16 KiB. */
  readonly stderr: string
}

const STDOUT_LIMIT = 4 * 1024 * 1024

/**
 * Runs a program to its end and gives what it printed.
 *
 * Rejects with `options.fail` when it cannot be started, is killed, exits with another code than 0 or prints more than
 * 4 MiB; the message names the program and the end of its stderr, never its arguments. When the signal aborts, the
 * program is told to terminate and the call rejects with the signal's reason once it is gone.
 */
export function spawn(command: string, args: readonly string[], options: SpawnOptions): Promise<Spawned> {
  const { signal, cwd, as, secrets = [], fail } = options
  const name = basename(command)
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const child = start(command, [...args], { ...(cwd ? { cwd } : {}), ...as, stdio: 'pipe' })
    const stdout = collector(STDOUT_LIMIT, 'head')
    const stderr = collector(STDERR_LIMIT, 'tail')
    const stop = () => child.kill()
    signal?.addEventListener('abort', stop, { once: true })
    child.stdout.on('data', (data: Buffer) => stdout.add(data) || child.kill())
    child.stderr.on('data', (data: Buffer) => stderr.add(data))
    // A program that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
    child.on('error', (cause) => reject(fail(`run ${name}: ${reasonOf(cause)}`, cause)))
    child.on('close', (code, killed) => {
      signal?.removeEventListener('abort', stop)
      if (signal?.aborted) return reject(signal.reason)
      const said = { stdout: redact(stdout.text(), secrets), stderr: redact(stderr.text(), secrets) }
      if (code === 0) return resolve(said)
      const how = stdout.full() ? 'printed too much' : code === null ? `was killed by ${killed}` : `exited with ${code}`
      reject(fail(`run ${name}: ${how}${lastLines(said.stderr || said.stdout)}`))
    })
  })
}
