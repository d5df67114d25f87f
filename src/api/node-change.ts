import { z } from 'zod'
import type { NodeAddress } from '../core/instance.ts'
import { RdsError } from './errors.ts'
import { nodeFields } from './nodes.ts'

/** How many nodes an instance may have. */
export const MOST_NODES = 16

/** What shall be otherwise of one node, as a caller gives it. */
const nodeChange = z.strictObject({
  HostInstanceID: z.string().regex(/^(0|[1-9]\d{0,15})$/),
  ...z.object(nodeFields).partial().shape,
})

export const nodeChanges = z.array(nodeChange).min(1).max(MOST_NODES)
export type NodeChange = z.infer<typeof nodeChange>

/**
 * An address with what the change names, the rest as it was. Refuses to take a kept password to another place, or there less
 * well guarded: whoever may change a node may not learn its password so.
 */
export function changedAddress(address: NodeAddress, change: NodeChange): NodeAddress {
  const changed: NodeAddress = {
    host: change.Host ?? address.host,
    port: change.Port === undefined ? address.port : Number(change.Port),
    user: change.User ?? address.user,
    password: change.Password ?? address.password,
    database: change.Database ?? address.database,
    sslMode: change.SslMode ?? address.sslMode,
    sslRootCert: change.SslRootCert ?? address.sslRootCert,
  }
  const moved = (['host', 'port', 'sslMode', 'sslRootCert'] as const).some((name) => changed[name] !== address[name])
  if (moved && change.Password === undefined && address.password !== undefined) {
    throw new RdsError(
      'InvalidParameterCombination',
      `Give the Password of node ${change.HostInstanceID} again together with its Host, Port, SslMode or SslRootCert.`,
    )
  }
  return changed
}
