import type { Command } from 'commander'
import { z } from 'zod'
import { nodeItem } from '../../api/instance-item.ts'
import { problemItem } from '../../api/nodes.ts'
import { Fault } from '../../core/fault.ts'
import type { Parts } from '../parts.ts'
import type { CallParameters, Client } from './client.ts'
import { type LoginOptions, readLogin, splitAddress, withLoginOptions } from './node-login.ts'
import { nodeTable, printProblems } from './node-table.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

const nodesOf = z.object({ DBInstanceId: z.string(), Nodes: z.object({ Node: z.array(nodeItem) }) })
const attributes = z.object({ Items: z.object({ DBInstanceAttribute: z.array(nodesOf) }) })
const changed = nodesOf.extend({ Problems: z.object({ Problem: z.array(problemItem) }) })

interface ChangeOptions extends RemoteOptions {
  readonly allowUnready?: boolean
}

/** `instances nodes add|login|remove`. */
export function addNodes(instances: Command, parts: Parts): void {
  const nodes = instances.command('nodes').description('the server processes of an instance')
  const unready = ['--allow-unready', 'do it although a node does not answer or lacks something'] as const
  withLoginOptions(withRemoteOptions(nodes.command('add <instance> <host[:port]>')), 'connect without a password')
    .description('add a replica, or the primary again; its password is asked for, or read from a file')
    .requiredOption('--user <name>', 'whom to connect as')
    .option(...unready)
    .action((id: string, node: string, options: ChangeOptions & LoginOptions) => add(id, node, options, parts))
  withLoginOptions(withRemoteOptions(nodes.command('login <instance> <node>')), 'leave the password as it is')
    .description('say as whom a node is asked; its password is asked for, or read from a file')
    .option('--user <name>', 'whom to connect as from now on')
    .option(...unready)
    .addHelpText('after', NODE)
    .action((id: string, node: string, options: ChangeOptions & LoginOptions) => login(id, node, options, parts))
  withRemoteOptions(nodes.command('remove <instance> <node>'))
    .description('remove a node; its sets stay')
    .option(...unready)
    .addHelpText('after', NODE)
    .action((id: string, node: string, options: ChangeOptions) => remove(id, node, options, parts))
}

const NODE = "\nA node is named by its id or as HOST:PORT, both as 'holdfast instances show INSTANCE' shows them."

async function add(id: string, text: string, options: ChangeOptions & LoginOptions, parts: Parts): Promise<void> {
  const address = splitAddress(text)
  const node = { ...address, ...(await readLogin(options, options.user ?? '', parts)) }
  await change(id, { AddNode: JSON.stringify([node]) }, options, parts)
}

async function login(id: string, name: string, options: ChangeOptions & LoginOptions, parts: Parts): Promise<void> {
  const node = await findNode(clientOf(options, parts), id, name)
  const said = await readLogin(options, `${options.user ?? node.User} at ${node.Host}:${node.Port}`, parts)
  if (Object.values(said).every((value) => value === undefined)) {
    throw new Fault('invalid', `change the login of node ${name}: nothing to change is named`, {
      hint: 'Leave --no-password out, or name --user, --database, --ssl-mode or --ssl-root-cert.',
    })
  }
  const SetNode = JSON.stringify([{ HostInstanceID: node.HostInstanceID, ...said }])
  await change(id, { SetNode }, options, parts)
}

async function remove(id: string, name: string, options: ChangeOptions, parts: Parts): Promise<void> {
  const { HostInstanceID } = await findNode(clientOf(options, parts), id, name)
  await change(id, { RemoveNode: HostInstanceID }, options, parts)
}

/** The node of this id, or at this host and port. Fault 'not_found' tells which there are. */
async function findNode(client: Client, DBInstanceId: string, name: string): Promise<z.infer<typeof nodeItem>> {
  const reply = await client.call('DescribeDBInstanceAttribute', { DBInstanceId }, attributes)
  const nodes = reply.Items.DBInstanceAttribute.flatMap(({ Nodes }) => Nodes.Node)
  const node = nodes.find(({ HostInstanceID }) => HostInstanceID === name) ?? nodes.find((each) => isAt(each, name))
  if (node) return node
  const known = nodes.map(({ HostInstanceID, Host, Port }) => `${HostInstanceID} (${Host}:${Port})`).join(', ')
  throw new Fault('not_found', `${DBInstanceId} has no node ${name}`, { hint: `Its nodes are ${known}.` })
}

function isAt({ Host, Port }: z.infer<typeof nodeItem>, name: string): boolean {
  if (name === `${Host}:${Port}`) return true
  const wanted = splitAddress(name)
  return wanted.Host === Host && (wanted.Port ?? '5432') === String(Port)
}

async function change(DBInstanceId: string, what: CallParameters, options: ChangeOptions, parts: Parts): Promise<void> {
  const asked = { DBInstanceId, ...what, AllowUnready: options.allowUnready ? 'true' : undefined }
  const reply = await clientOf(options, parts).call('ModifyDBInstanceNodes', asked, changed)
  if (options.json) return printJson(reply, parts)
  parts.io.out.write(nodeTable(reply.Nodes.Node))
  printProblems(reply.Problems.Problem, parts.io)
}
