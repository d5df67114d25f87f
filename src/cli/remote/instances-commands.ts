import type { Command } from 'commander'
import { z } from 'zod'
import { instanceItem, nodeItem, settingsItem } from '../../api/instance-item.ts'
import { problemItem } from '../../api/nodes.ts'
import { Fault } from '../../core/fault.ts'
import type { Parts } from '../parts.ts'
import { formatFields, formatTable } from '../table.ts'
import { formatTime } from '../units.ts'
import { addClones } from './instances-clones.ts'
import { listInstances } from './find-set.ts'
import { type LoginOptions, readLogin, splitAddress, withLoginOptions } from './node-login.ts'
import { addSettings, settingsFields } from './instances-settings.ts'
import { nodeTable, printProblems } from './node-table.ts'
import { addNodes } from './nodes-commands.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

const nodes = z.object({ Node: z.array(nodeItem) })

const registered = z.object({
  DBInstanceId: z.string(),
  Engine: z.string(),
  EngineVersion: z.string(),
  SystemIdentifier: z.string(),
  Nodes: nodes,
  Problems: z.object({ Problem: z.array(problemItem) }),
})

const attribute = instanceItem.extend({
  CreationTime: z.string(),
  SystemIdentifier: z.string(),
  Nodes: nodes,
  Settings: settingsItem,
})

interface AddOptions extends RemoteOptions, LoginOptions {
  readonly node: readonly string[]
  readonly user: string
  readonly description?: string
  readonly preferReplica?: boolean
  readonly allowUnready?: boolean
}

/** `instances add|list|show|set|remove|clone|release`, and `instances nodes`. */
export function addInstances(program: Command, parts: Parts): void {
  const instances = program.command('instances').description('the databases that are backed up')
  const collect = (text: string, all: string[]) => [...all, text]
  withLoginOptions(withRemoteOptions(instances.command('add [id]')), 'connect without a password')
    .description('register a database that already runs; its password is asked for, or read from a file')
    .requiredOption('--node <host[:port]>', 'where a node of it listens; repeat for replicas', collect, [])
    .requiredOption('--user <name>', 'whom to connect as')
    .option('--description <text>', 'a name for people')
    .option('--prefer-replica', 'take backups from a replica whose lag allows it')
    .option('--allow-unready', 'register although a node does not answer or lacks something')
    .action((id: string | undefined, options: AddOptions) => add(id, options, parts))
  withRemoteOptions(instances.command('list'))
    .description('list what is registered')
    .action((options: RemoteOptions) => list(options, parts))
  withRemoteOptions(instances.command('show <instance>'))
    .description('show nodes, settings and the rest of one')
    .action((id: string, options: RemoteOptions) => show(id, options, parts))
  withRemoteOptions(instances.command('remove <instance>'))
    .description('end the care for one; its sets stay')
    .action((id: string, options: RemoteOptions) => remove(id, options, parts))
  addSettings(instances, parts)
  addClones(instances, parts)
  addNodes(instances, parts)
}

async function add(id: string | undefined, options: AddOptions, parts: Parts): Promise<void> {
  if (options.node.length === 0)
    throw new Fault('invalid', 'add an instance: no --node', { hint: 'Name at least one --node HOST:PORT.' })
  const client = clientOf(options, parts)
  const login = await readLogin(options, options.user, parts)
  const Node = options.node.map((text) => ({ ...splitAddress(text), ...login }))
  const reply = await client.call(
    'RegisterDBInstance',
    {
      DBInstanceId: id,
      DBInstanceDescription: options.description,
      Node: JSON.stringify(Node),
      PreferReplica: options.preferReplica ? 'true' : undefined,
      AllowUnready: options.allowUnready ? 'true' : undefined,
    },
    registered,
  )
  if (options.json) return printJson(reply, parts)
  parts.io.out.write(
    formatFields({
      instance: reply.DBInstanceId,
      engine: `${reply.Engine} ${reply.EngineVersion}`,
      'system identifier': reply.SystemIdentifier,
    }),
  )
  parts.io.out.write(`\n${nodeTable(reply.Nodes.Node)}`)
  printProblems(reply.Problems.Problem, parts.io)
}

async function list(options: RemoteOptions, parts: Parts): Promise<void> {
  const items = await listInstances(clientOf(options, parts))
  if (options.json) return printJson(items, parts)
  parts.io.out.write(
    formatTable(
      [
        { title: 'INSTANCE', value: (item) => item.DBInstanceId },
        { title: 'STATUS', value: (item) => item.DBInstanceStatus },
        { title: 'ENGINE', value: (item) => `${item.Engine} ${item.EngineVersion}` },
        { title: 'HOST', value: (item) => item.ConnectionString },
        { title: 'DESCRIPTION', value: (item) => item.DBInstanceDescription },
      ],
      items,
    ),
  )
}

async function show(id: string, options: RemoteOptions, parts: Parts): Promise<void> {
  const shape = z.object({ Items: z.object({ DBInstanceAttribute: z.array(attribute) }) })
  const reply = await clientOf(options, parts).call('DescribeDBInstanceAttribute', { DBInstanceId: id }, shape)
  const [item] = reply.Items.DBInstanceAttribute
  if (!item) throw new Fault('not_found', `no instance ${id}`)
  if (options.json) return printJson(item, parts)
  const { Settings: settings } = item
  parts.io.out.write(
    formatFields({
      instance: item.DBInstanceId,
      status: item.DBInstanceStatus,
      description: item.DBInstanceDescription,
      engine: `${item.Engine} ${item.EngineVersion}`,
      'system identifier': item.SystemIdentifier,
      registered: formatTime(item.CreationTime, options),
      'prefers replicas': settings.PreferReplica
        ? `yes, up to ${settings.MaxReplicaLagBytes} bytes and ${settings.MaxReplicaLagSeconds} s behind`
        : 'no',
      ...settingsFields(settings),
    }),
  )
  parts.io.out.write(`\n${nodeTable(item.Nodes.Node)}`)
}

async function remove(id: string, options: RemoteOptions, parts: Parts): Promise<void> {
  const reply = await clientOf(options, parts).call(
    'DeregisterDBInstance',
    { DBInstanceId: id },
    z.object({ DBInstanceId: z.string() }),
  )
  if (options.json) return printJson(reply, parts)
  parts.io.out.write(`${reply.DBInstanceId} is no longer backed up; its sets stay\n`)
}
