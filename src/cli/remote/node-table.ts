import type { z } from 'zod'
import type { nodeItem } from '../../api/instance-item.ts'
import type { problemItem } from '../../api/nodes.ts'
import type { Io } from '../io.ts'
import { formatTable } from '../table.ts'

/** Nodes of an instance as a table for people. */
export const nodeTable = (items: readonly z.infer<typeof nodeItem>[]): string =>
  formatTable(
    [
      { title: 'NODE', value: (node) => node.HostInstanceID },
      { title: 'ROLE', value: (node) => (node.Role === 'Master' ? 'primary' : 'replica') },
      { title: 'ADDRESS', value: (node) => `${node.Host}:${node.Port}` },
      { title: 'USER', value: (node) => node.User },
      { title: 'TLS', value: (node) => node.SslMode },
    ],
    items,
  )

/** Tells what would be better otherwise on nodes, and what mends it, beside the output. */
export function printProblems(problems: readonly z.infer<typeof problemItem>[], { err }: Io): void {
  for (const { Node, Severity, What, Fix } of problems) err.write(`${Severity}: ${Node}: ${What}\nhint: ${Fix}\n`)
}
