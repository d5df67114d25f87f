/** A bare node:http server that answers every request with the bytes of a file: what Node itself can do. `bare-server.ts FILE`. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const body = readFileSync(process.argv[2] ?? '')
const server = createServer((_, reply) => {
  reply.writeHead(200, { 'content-type': 'application/json;charset=utf-8', 'content-length': body.length })
  reply.end(body)
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
