import type { Command } from 'commander'
import { z } from 'zod'
import { keyItem } from '../../api/key-parameters.ts'
import { withConfigOptions, type ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { formatFields, formatTable } from '../table.ts'
import { formatTime } from '../units.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

interface RightsOptions extends RemoteOptions {
  readonly role?: string
  readonly instances?: string
  readonly from?: string
  readonly expires?: string
}

interface AddOptions extends RightsOptions, ConfigOptions {
  readonly local?: boolean
  readonly description: string
}

interface ModifyOptions extends RightsOptions {
  readonly description?: string
}

interface RotateOptions extends RemoteOptions {
  readonly oldFor?: string
}

/** `keys add|list|modify|rotate|remove`; `keys add --local` writes to the catalog of this machine. */
export function addKeys(program: Command, parts: Parts): void {
  const keys = program.command('keys').description('the access keys that may call the service')
  withRights(withConfigOptions(withRemoteOptions(keys.command('add'))), 'never')
    .description('make a key; its secret is printed once')
    .option('--local', 'write it to the catalog of this machine, without a service')
    .option('--description <text>', 'whose key it is, for people', '')
    .action((options: AddOptions) => add(options, parts))
  withRemoteOptions(keys.command('list'))
    .description('list the keys, without their secrets')
    .action((options: RemoteOptions) => list(options, parts))
  withRights(withRemoteOptions(keys.command('modify <id>')), 'as it is')
    .description('change what a key may do')
    .option('--description <text>', 'whose key it is, for people')
    .action((id: string, options: ModifyOptions) => modify(id, options, parts))
  withRemoteOptions(keys.command('rotate <id>'))
    .description('give a key another secret, which is printed once; the one it has signs too for a day')
    .option('--old-for <seconds>', 'how long the one it has goes on to sign; 0 ends it now')
    .action((id: string, options: RotateOptions) => rotate(id, options, parts))
  withRemoteOptions(keys.command('remove <id>'))
    .description('end a key: calls signed with it are refused from now on')
    .action((id: string, options: RemoteOptions) => remove(id, options, parts))
}

const withRights = (command: Command, otherwise: string): Command =>
  command
    .option('--role <role>', 'read, operate or admin')
    .option('--instances <ids>', 'the only instances it may know of, with commas between them, or all')
    .option('--from <blocks>', 'addresses and CIDR blocks it may be used from, or all')
    .option('--expires <time>', `when it ends: 2027-01-01T00:00Z, or never (default: ${otherwise})`)

const rightsOf = ({ role, instances, from, expires }: RightsOptions) => ({
  Role: role,
  InstanceIds: instances,
  SourceAddresses: from,
  ExpireTime: expires,
})

/** `all` and `never` are what a new key has anyway. */
const newRightsOf = (options: RightsOptions) =>
  Object.fromEntries(
    Object.entries(rightsOf(options)).filter(([, given]) => given !== 'all' && given !== 'never'),
  ) as ReturnType<typeof rightsOf>

async function add(options: AddOptions, parts: Parts): Promise<void> {
  const made = options.local
    ? await (await import('../local/keys-add.ts')).keysAddLocal({ ...options, rights: newRightsOf(options) }, parts)
    : await clientOf(options, parts).call(
        'CreateAccessKey',
        { Description: options.description, ...newRightsOf(options) },
        keyItem.extend({ AccessKeySecret: z.string() }),
      )
  printSecret(made, options, parts)
}

function printSecret(
  made: { readonly AccessKeyId: string; readonly AccessKeySecret: string },
  options: RemoteOptions,
  parts: Parts,
): void {
  if (options.json) return printJson(made, parts)
  parts.io.out.write(formatFields({ 'access key id': made.AccessKeyId, 'access key secret': made.AccessKeySecret }))
  parts.io.err.write('The secret is not shown again: keep it now.\n')
}

async function list(options: RemoteOptions, parts: Parts): Promise<void> {
  const shape = z.object({ AccessKeys: z.object({ AccessKey: z.array(keyItem) }) })
  const reply = await clientOf(options, parts).call('ListAccessKeys', {}, shape)
  const items = reply.AccessKeys.AccessKey
  if (options.json) return printJson(items, parts)
  parts.io.out.write(
    formatTable(
      [
        { title: 'ACCESS KEY', value: (item) => item.AccessKeyId },
        { title: 'ROLE', value: (item) => item.Role },
        { title: 'INSTANCES', value: (item) => item.InstanceIds.InstanceId.join(',') || 'all' },
        { title: 'MADE', value: (item) => formatTime(item.CreateTime, options) },
        { title: 'ENDS', value: (item) => (item.ExpireTime === '' ? 'never' : formatTime(item.ExpireTime, options)) },
        { title: 'DESCRIPTION', value: (item) => item.Description },
      ],
      items,
    ),
  )
}

const idShape = z.object({ AccessKeyId: z.string() })

async function modify(id: string, options: ModifyOptions, parts: Parts): Promise<void> {
  const change = { UserAccessKeyId: id, Description: options.description, ...rightsOf(options) }
  const reply = await clientOf(options, parts).call('ModifyAccessKey', change, idShape)
  if (options.json) return printJson(reply, parts)
  parts.io.out.write(`${reply.AccessKeyId} is changed\n`)
}

async function rotate(id: string, options: RotateOptions, parts: Parts): Promise<void> {
  const asked = { UserAccessKeyId: id, OldSecretSeconds: options.oldFor }
  const shape = idShape.extend({ AccessKeySecret: z.string(), OldSecretExpireTime: z.string() })
  printSecret(await clientOf(options, parts).call('RotateAccessKey', asked, shape), options, parts)
}

async function remove(id: string, options: RemoteOptions, parts: Parts): Promise<void> {
  const reply = await clientOf(options, parts).call('DeleteAccessKey', { UserAccessKeyId: id }, idShape)
  if (options.json) return printJson(reply, parts)
  parts.io.out.write(`${reply.AccessKeyId} is ended\n`)
}
