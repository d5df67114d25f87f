import { exitCodeOf } from '../io.ts'
import type { Parts } from '../parts.ts'
import { failedMessage, type ToChild, type ToParent } from './messages.ts'
import type { Role, RunningRole } from './role.ts'

/**
 * Does one role under a parent that speaks to us over IPC, until it says stop; then this process ends. When the parent goes,
 * however it went, this process goes at once: a task it held comes back when its lease ends. Never resolves.
 */
export function serveChild(role: Role, { roles, log }: Pick<Parts, 'roles' | 'log'>): Promise<never> {
  let running: Promise<RunningRole> | undefined

  const start = async ({ config }: Extract<ToChild, { kind: 'start' }>) => {
    running = roles[role](config, { log: log(config.log.level, role), wake: () => tell({ kind: 'wake' }) })
    const { addresses, failed } = await running
    tell({ kind: 'ready', addresses })
    await failed
  }
  const stop = async () => {
    await (await running)?.stop()
    process.exit(0)
  }

  process.on('disconnect', () => process.exit(1))
  // A terminal's Ctrl-C reaches the whole group: the parent hears it too, and tells us.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => void stop().catch(fail))
  process.on('message', (message: ToChild) => {
    if (message.kind === 'start') void start(message).catch(fail)
    if (message.kind === 'stop') void stop().catch(fail)
    if (message.kind === 'wake') void running?.then((started) => started.wake()).catch(fail)
  })
  return new Promise<never>(() => {})
}

const tell = (message: ToParent) => void process.send?.(message)

/** Ends this process as soon as the parent has been told why. */
function fail(error: unknown): void {
  process.send?.(failedMessage(error), () => process.exit(exitCodeOf(error)))
}
