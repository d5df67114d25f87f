import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
/** The real program with a slow pretended database. */
export const SLOW = join(import.meta.dirname, 'slow-holdfast.ts')

export interface LogLine {
  readonly msg: string
  readonly role: string
  readonly pid: number
  readonly [field: string]: unknown
}

/** What a command left behind. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Our environment without settings of another Holdfast. */
const cleanEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_')))

/** Runs a command of the program in a process of its own. */
export async function runHoldfast(
  argv: readonly string[],
  env: Record<string, string> = {},
  program = MAIN,
): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...argv], { env: { ...cleanEnvironment(), ...env } }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}

export interface ServeOptions {
  readonly program?: string
  readonly directory: string
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
  /** A command that runs another, which shall run the program; it must become it, so that its process id is the program's. */
  readonly runner?: readonly string[]
}

/** A `serve` in a process of its own, on free ports. */
export function startServe({ program = MAIN, directory, args = [], env = {}, runner = [] }: ServeOptions) {
  const argv = [
    process.execPath,
    program,
    'serve',
    '--data-dir',
    directory,
    '--port',
    '0',
    '--set',
    'metrics.port=0',
    // A new instance has a window each night: no test shall meet the backup that is taken in it.
    '--set',
    'scheduler.pollSeconds=1000000',
    ...args,
  ]
  const [command = '', ...rest] = [...runner, ...argv]
  const child = spawn(command, rest, {
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const exited = once(child, 'exit').then(([code, signal]) => (signal as string | null) ?? Number(code))
  const log = (): LogLine[] =>
    text
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine)
  const find = (msg: string) => log().find((line) => line.msg === msg)
  return {
    pid: child.pid ?? 0,
    exited,
    log,
    text: () => text,
    signal: (name: NodeJS.Signals) => child.kill(name),
    /** The first log line with this message. */
    async line(msg: string): Promise<LogLine> {
      let ended: string | number | undefined
      void exited.then((how) => (ended = how))
      await eventually(async () => find(msg) !== undefined || ended !== undefined, `the log line ${msg}`)
      if (!find(msg)) throw new Error(`serve ended with ${ended} before it logged ${msg}:\n${text}`)
      return find(msg) as LogLine
    },
    /** Where it answers, as soon as it does. */
    async url(): Promise<string> {
      const ready = await this.line('ready')
      return String(ready['url'])
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

export type Serve = ReturnType<typeof startServe>

/** A data directory that goes away with the test. */
export async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-serve-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A fresh key of a data directory, as the environment of a client of `url`. */
export async function clientEnv(directory: string, url: string): Promise<Record<string, string>> {
  const { out } = await runHoldfast(['keys', 'add', '--local', '--json', '--data-dir', directory])
  const key = JSON.parse(out) as { AccessKeyId: string; AccessKeySecret: string }
  return {
    HOLDFAST_ENDPOINT: url,
    HOLDFAST_ACCESS_KEY_ID: key.AccessKeyId,
    HOLDFAST_ACCESS_KEY_SECRET: key.AccessKeySecret,
  }
}

/** Whether a process of this id lives. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
