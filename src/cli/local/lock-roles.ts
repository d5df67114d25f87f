import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { lockDirectory, type DirectoryLock } from '../../lib/lock.ts'
import type { Role } from './role.ts'

/**
 * Makes the data directory when there is none, and locks it against another process with one of these roles, until that is
 * disposed of. Fault 'locked' names the process that has it.
 */
export async function lockRoles(dataDir: string, roles: readonly Role[]): Promise<Disposable> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  using got = new DisposableStack()
  for (const role of roles) got.use(await lockRole(dataDir, role))
  return got.move()
}

const lockRole = (dataDir: string, role: Role): Promise<DirectoryLock> =>
  lockDirectory(join(dataDir, 'locks', role), (_message, holder) => {
    const who = holder === undefined ? 'another process' : `process ${holder}`
    return new Fault('locked', `lock ${dataDir}: ${who} serves its ${role}`, {
      hint: 'Stop that service first, or give this one a data directory of its own.',
    })
  })
