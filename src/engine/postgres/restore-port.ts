import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { Fault } from '../../core/fault.ts'

/** Below what Linux gives to outgoing connections by itself, so that none of those takes it before the server starts. */
const [LOWEST, HIGHEST] = [20_000, 32_000]

/** A TCP port of the loopback address that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST)
    if (await isFree(port)) return port
  }
  throw new Fault('engine_failed', 'find a free port: none in a hundred attempts')
}

/** Whether nobody listens on this port of the loopback address. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
