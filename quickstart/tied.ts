import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Account, runAs } from './account.ts'

export interface TiedOptions {
  /** What it is sent when we end without having stopped it. */
  readonly signal: 'SIGTERM' | 'SIGQUIT'
  readonly env: Readonly<Record<string, string | undefined>>
  /** File descriptors for its stdout and stderr. */
  readonly output: readonly [number, number]
  readonly account?: Account | undefined
}

/** A process that does not outlive us. */
export interface TiedProcess {
  readonly child: ChildProcess
  /** Resolves when it has ended, however. */
  readonly gone: Promise<void>
  /** Sends it a signal and resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>
}

const SETPRIV = '/usr/bin/setpriv'

/**
 * Starts a program that ends when we end: by our own hand on a normal exit, by the kernel's where we are killed and the system
 * has util-linux. It is out of the terminal's process group, so that Ctrl-C reaches it through us alone and in our order.
 */
export function startTied(command: string, args: readonly string[], options: TiedOptions): TiedProcess {
  const { signal, env, output, account } = options
  const tie = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', signal.replace('SIG', ''), '--'] : []
  const [program = command, ...rest] = [...tie, command, ...args]
  const stdio: ['ignore', number, number] = ['ignore', ...output]
  const child = spawn(program, rest, { cwd: '/', detached: true, env, stdio, ...runAs(account) })
  const stop = () => void child.kill(signal)
  process.on('exit', stop)
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  }).then(() => void process.off('exit', stop))
  const end = async (how: NodeJS.Signals) => {
    child.kill(how)
    await gone
  }
  return { child, gone, end }
}
