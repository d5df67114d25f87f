import { Fault } from '../../core/fault.ts'
import type { Options } from '../../lib/streams.ts'
import type { Restored, Started } from '../engine.ts'
import { serverIn } from './drill-scratch.ts'
import { checkRestored } from './restore-check.ts'
import type { Owner } from './restore-owner.ts'
import { isFree } from './restore-port.ts'
import { startRestored } from './restore-start.ts'

/** Starts a restored server that shall stay, on the port that it is known by; one that runs is left alone. */
export async function start(restored: Restored, options: Options & { readonly owner?: Owner } = {}): Promise<Started> {
  const { dataDirectory, port } = restored
  if ((await serverIn(dataDirectory)) !== undefined) return { started: false, warnings: [] }
  if (!(await isFree(port))) throw portTaken(restored)
  const server = await startRestored(restored, options)
  if (server.port !== port) {
    await server.stop()
    throw portTaken(restored)
  }
  return { started: true, warnings: await checkRestored(server.address, { signal: options.signal }) }
}

const portTaken = ({ dataDirectory, port }: Restored): Fault =>
  new Fault('conflict', `start the server in ${dataDirectory}: its port ${port} is taken`, {
    hint: `See what listens on port ${port} of 127.0.0.1, and end it.`,
  })
