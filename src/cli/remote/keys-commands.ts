import type { Command } from 'commander'
import { z } from 'zod'
import { keysAddLocal } from '../local/keys-add.ts'
import { withConfigOptions, type ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { formatFields, formatTable } from '../table.ts'
import { formatTime } from '../units.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

const key = z.object({ AccessKeyId: z.string(), Description: z.string(), CreateTime: z.string() })

interface AddOptions extends RemoteOptions, ConfigOptions {
  readonly local?: boolean
  readonly description: string
}

/** `keys add|list|remove`; `keys add --local` writes to the catalog of this machine. */
export function addKeys(program: Command, parts: Parts): void {
  const keys = program.command('keys').description('the access keys that may call the service')
  withConfigOptions(withRemoteOptions(keys.command('add')))
    .description('make a key; its secret is printed once')
    .option('--local', 'write it to the catalog of this machine, without a service')
    .option('--description <text>', 'whose key it is, for people', '')
    .action((options: AddOptions) => add(options, parts))
  withRemoteOptions(keys.command('list'))
    .description('list the keys, without their secrets')
    .action((options: RemoteOptions) => list(options, parts))
  withRemoteOptions(keys.command('remove <id>'))
    .description('end a key: calls signed with it are refused from now on')
    .action((id: string, options: RemoteOptions) => remove(id, options, parts))
}

async function add(options: AddOptions, parts: Parts): Promise<void> {
  const made = options.local
    ? await keysAddLocal(options, parts)
    : await clientOf(options, parts).call(
        'CreateAccessKey',
        { Description: options.description },
        key.extend({ AccessKeySecret: z.string() }),
      )
  if (options.json) return printJson(made, parts)
  parts.io.out.write(formatFields({ 'access key id': made.AccessKeyId, 'access key secret': made.AccessKeySecret }))
  parts.io.err.write('The secret is not shown again: keep it now.\n')
}

async function list(options: RemoteOptions, parts: Parts): Promise<void> {
  const shape = z.object({ AccessKeys: z.object({ AccessKey: z.array(key) }) })
  const reply = await clientOf(options, parts).call('ListAccessKeys', {}, shape)
  const items = reply.AccessKeys.AccessKey
  if (options.json) return printJson(items, parts)
  parts.io.out.write(
    formatTable(
      [
        { title: 'ACCESS KEY', value: (item) => item.AccessKeyId },
        { title: 'MADE', value: (item) => formatTime(item.CreateTime, options) },
        { title: 'DESCRIPTION', value: (item) => item.Description },
      ],
      items,
    ),
  )
}

async function remove(id: string, options: RemoteOptions, parts: Parts): Promise<void> {
  const shape = z.object({ AccessKeyId: z.string() })
  const reply = await clientOf(options, parts).call('DeleteAccessKey', { UserAccessKeyId: id }, shape)
  if (options.json) return printJson(reply, parts)
  parts.io.out.write(`${reply.AccessKeyId} is ended\n`)
}
