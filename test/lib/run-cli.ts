import { Readable } from 'node:stream'
import type { Parts } from '../../src/cli/parts.ts'
import { runProgram } from '../../src/cli/program.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'

/** What a command left behind. */
export interface CliRun {
  readonly code: number
  readonly out: string
  readonly err: string
}

const absent = () => {
  throw new Error('this command opens nothing on this machine')
}

/** Runs a command of `holdfast` in this process, as main.ts would, with what it may open given in `parts`. */
export async function runCli(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { stdin = '', ...parts }: Partial<Parts> & { readonly stdin?: string } = {},
): Promise<CliRun> {
  const written = { out: '', err: '' }
  const code = await runProgram(argv, {
    clock: systemClock,
    env: { HOME: '/nonexistent', ...env },
    io: {
      stdin: Object.assign(Readable.from([Buffer.from(stdin)]), { isTTY: false }),
      out: { write: (text: string) => (written.out += text) },
      err: { write: (text: string) => (written.err += text) },
    },
    log: () => silentLog,
    openSealer: absent,
    openCatalog: absent,
    openStore: absent,
    openEngine: absent,
    roles: { api: absent, worker: absent },
    fork: absent,
    ...parts,
  })
  return { code, ...written }
}
