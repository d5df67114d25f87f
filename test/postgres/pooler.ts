import { connect, createServer, type AddressInfo } from 'node:net'

/** `K`, length 12: BackendKeyData, whose next four bytes are the process id. */
const KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12])

/**
 * Stands between clients and a server as a pooler does, as far as a client can tell: the process id that it is told is made
 * up.
 */
export async function startPooler(serverPort: number): Promise<{ port: number } & AsyncDisposable> {
  const pooler = createServer((client) => {
    const server = connect(serverPort, '127.0.0.1')
    client.pipe(server)
    server.on('data', (data) => {
      const at = data.indexOf(KEY_DATA)
      if (at !== -1) data.writeUInt32BE(0x7fff_ffff, at + KEY_DATA.length)
      client.write(data)
    })
    server.on('close', () => client.destroy())
    client.on('close', () => server.destroy())
    for (const socket of [client, server]) socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => pooler.listen(0, '127.0.0.1', resolve))
  return {
    port: (pooler.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => pooler.close(() => resolve())),
  }
}
