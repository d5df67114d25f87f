import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import type { LocalChange } from '../../catalog/catalog.ts'
import type { Clock } from '../../lib/clock.ts'

/** What the audit tells of a change by a command on this machine. No parameter is a secret. */
export const localChange = (
  command: string,
  parameters: Readonly<Record<string, string>>,
  clock: Clock,
): LocalChange => ({
  audit: {
    requestId: randomUUID().toUpperCase(),
    at: clock.now(),
    origin: 'local',
    keyId: '',
    parentKeyId: '',
    osUser: osUser(),
    action: command,
    instanceId: '',
    parameters,
    remoteAddress: '',
    userAgent: '',
  },
})

/** In a container, a user may have a number and no name. */
function osUser(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? ''}`
  }
}
