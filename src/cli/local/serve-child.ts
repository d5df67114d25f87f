import { Fault } from '../../core/fault.ts'
import type { Parts } from '../parts.ts'
import { failedMessage, type ToChild, type ToParent } from './messages.ts'
import type { Role, RunningRole } from './role.ts'

/**
 * Does one role under a parent that speaks to us over IPC, until it says stop. When the parent goes, however it went, this process
 * goes at once: a task it held comes back when its lease ends.
 */
export function serveChild(role: Role, { roles, log }: Pick<Parts, 'roles' | 'log'>): Promise<void> {
  const tell = (message: ToParent) => process.send?.(message)
  let running: Promise<RunningRole> | undefined
  // A terminal's Ctrl-C reaches the whole group: the parent hears it too, and tells us.
  process.on('SIGINT', () => {})
  process.on('disconnect', () => process.exit(1))

  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      tell(failedMessage(error))
      reject(error instanceof Error ? error : new Fault('service_unavailable', String(error)))
    }
    const stop = () => {
      Promise.resolve(running)
        .then((role_) => role_?.stop())
        .then(resolve, fail)
    }
    process.on('SIGTERM', stop)
    process.on('message', (message: ToChild) => {
      if (message.kind === 'wake') void running?.then((role_) => role_.wake()).catch(() => {})
      if (message.kind === 'stop') stop()
      if (message.kind === 'start') {
        const { config } = message
        running = roles[role](config, { log: log(config.log.level, role), wake: () => tell({ kind: 'wake' }) })
        running
          .then(async ({ addresses, failed }) => {
            tell({ kind: 'ready', addresses })
            await failed
          })
          .catch(fail)
      }
    })
  })
}
