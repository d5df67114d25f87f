import type { Command } from 'commander'
import { z } from 'zod'
import { settingsItem } from '../../api/instance-item.ts'
import { Fault } from '../../core/fault.ts'
import type { Parts } from '../parts.ts'
import { formatFields } from '../table.ts'
import { bandwidthText } from './service-commands.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

const changed = z.object({ DBInstanceId: z.string(), Settings: settingsItem })

interface SetOptions extends RemoteOptions {
  readonly bandwidth?: string
  readonly storeWait?: string
  readonly backOffLag?: string
  readonly backOffCommit?: string
  readonly backOffTime?: string
}

/** `instances set`: changes settings of an instance, also for its backup that runs. */
export function addSettings(instances: Command, parts: Parts): void {
  withRemoteOptions(instances.command('set <instance>'))
    .description('change settings of one, also for its backup that runs')
    .option('--bandwidth <bytes>', 'most bytes a second that its backup puts into the store; 0 for no limit')
    .option('--store-wait <seconds>', 'how long a backup waits for a store that takes nothing')
    .option('--back-off-lag <seconds>', 'let the database be while a replica is further behind; 0 for never')
    .option('--back-off-commit <ms>', 'let the database be while a commit takes longer; 0 for never')
    .option('--back-off-time <seconds>', 'how long one backup does so in all')
    .action((id: string, options: SetOptions) => set(id, options, parts))
}

async function set(id: string, options: SetOptions, parts: Parts): Promise<void> {
  const parameters = {
    MaxBytesPerSecond: options.bandwidth,
    MaxStoreWaitSeconds: options.storeWait,
    BackOffLagSeconds: options.backOffLag,
    BackOffCommitMilliseconds: options.backOffCommit,
    BackOffMaxSeconds: options.backOffTime,
  }
  if (Object.values(parameters).every((value) => value === undefined)) {
    throw new Fault('invalid', `change ${id}: no setting is named`, { hint: "See 'holdfast help instances set'." })
  }
  const reply = await clientOf(options, parts).call(
    'ModifyDBInstanceSettings',
    { DBInstanceId: id, ...parameters },
    changed,
  )
  if (options.json) return printJson(reply, parts)
  parts.io.out.write(formatFields({ instance: reply.DBInstanceId, ...settingsFields(reply.Settings) }))
}

/** What `instances show` and `set` tell of the settings that can be set here. */
export const settingsFields = (settings: z.infer<typeof settingsItem>): Readonly<Record<string, string>> => ({
  bandwidth: bandwidthText(settings.MaxBytesPerSecond),
  'backs off': backOffText(settings),
  'waits for the store': `up to ${settings.MaxStoreWaitSeconds} s`,
})

function backOffText(settings: z.infer<typeof settingsItem>): string {
  const limits = [
    settings.BackOffLagSeconds > 0 ? [`a replica is ${settings.BackOffLagSeconds} s behind`] : [],
    settings.BackOffCommitMilliseconds > 0 ? [`a commit takes ${settings.BackOffCommitMilliseconds} ms`] : [],
  ].flat()
  return limits.length === 0 ? 'no' : `when ${limits.join(' or ')}, for up to ${settings.BackOffMaxSeconds} s`
}
