import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Parts } from './cli/parts.ts'
import { runProgram } from './cli/program.ts'
import { environment } from './config/environment.ts'
import { systemClock } from './lib/clock.ts'
import { createLog } from './lib/log.ts'
import type { Program } from './roles/program.ts'

/** libuv compresses frames on its own threads; its default of 4 leaves larger machines idle. */
const THREADS = String(Math.max(4, availableParallelism()))

/**
 * A worker streams: what it allocates is dead a moment later. A small young generation and few malloc arenas take a third off its
 * memory, and nothing from its speed. Thresholds that are set stay as they are: left alone, glibc raises them with the first
 * large buffer that is freed, and keeps a hundred megabytes of those to come.
 */
const LEAN = {
  flags: ['--max-semi-space-size=2', '--expose-gc'],
  env: { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' },
} as const

/** Joins the real things into what commands work with. Each is loaded when it is asked for: a command shall not wait for what it does not use. */
export function createParts(program: Program): Parts {
  const { clock } = program
  const env = environment()
  return {
    clock,
    env,
    io: { stdin: process.stdin, out: process.stdout, err: process.stderr },
    log: createLog,
    openSealer: async (keyFile) => (await import('./roles/catalog.ts')).openSealer(keyFile),
    openCatalog: async (config, options) => (await import('./roles/catalog.ts')).openConfigured(config, clock, options),
    openStore: async (url, options) => (await import('./store/open.ts')).openStore(url, clock, options),
    openEngine: async (kind, log) => {
      const { openEngine = (await import('./engine/open.ts')).openEngine } = program
      return openEngine(kind, { clock, log })
    },
    roles: {
      api: async (config, hooks) => (await import('./roles/api.ts')).startApiRole(config, hooks, program),
      worker: async (config, hooks) => (await import('./roles/worker.ts')).startWorkerRole(config, hooks, program),
    },
    fork: (role) =>
      fork(program.file, ['serve', '--role', role, '--child'], {
        execArgv: [...process.execArgv, ...(role === 'worker' ? LEAN.flags : [])],
        env: { UV_THREADPOOL_SIZE: THREADS, ...(role === 'worker' ? LEAN.env : {}), ...env },
      }),
  }
}

if (import.meta.main) {
  const parts = createParts({ file: fileURLToPath(import.meta.url), clock: systemClock })
  const code = await runProgram(process.argv.slice(2), parts)
  // After a failure, what else still runs shall not keep the process alive. Streams to pipes, files and terminals are written by now.
  if (code !== 0) process.exit(code)
}
