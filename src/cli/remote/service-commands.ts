import type { Command } from 'commander'
import { z } from 'zod'
import type { Parts } from '../parts.ts'
import { formatFields } from '../table.ts'
import { formatBytes } from '../units.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

const limits = z.object({ MaxBytesPerSecond: z.int() })

interface SetOptions extends RemoteOptions {
  readonly bandwidth: string
}

/** `service show` and `service set`: what holds for all instances together, and can be changed while it runs. */
export function addService(program: Command, parts: Parts): void {
  const service = program.command('service').description('limits of the whole service')
  withRemoteOptions(service.command('show'))
    .description('show them')
    .action(async (options: RemoteOptions) => {
      print(await clientOf(options, parts).call('DescribeServiceBandwidth', {}, limits), options, parts)
    })
  withRemoteOptions(service.command('set'))
    .description('change them, also for backups that run')
    .requiredOption('--bandwidth <bytes>', 'most bytes a second that all backups put into the store; 0 for no limit')
    .action(async (options: SetOptions) => {
      const parameters = { MaxBytesPerSecond: options.bandwidth }
      print(await clientOf(options, parts).call('ModifyServiceBandwidth', parameters, limits), options, parts)
    })
}

function print(reply: z.infer<typeof limits>, options: RemoteOptions, parts: Parts): void {
  if (options.json) return printJson(reply, parts)
  parts.io.out.write(formatFields({ bandwidth: bandwidthText(reply.MaxBytesPerSecond) }))
}

/** A limit of bandwidth for people. */
export const bandwidthText = (bytesPerSecond: number): string =>
  bytesPerSecond === 0 ? 'no limit' : `${formatBytes(bytesPerSecond)}/s`
