import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An alert as a webhook gets it. */
export interface HookAlert {
  readonly id: string
  readonly notice: string
  readonly kind: string
  readonly subject: string
  readonly dbInstanceId: string | null
  readonly what: string
  readonly hint: string
  readonly raisedAt: string
  readonly resolvedAt: string | null
}

export interface Delivery {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly body: {
    readonly type: string
    readonly version: number
    readonly id: string
    readonly time: string
    readonly service: string
    readonly alerts: readonly HookAlert[]
    readonly more: number
  }
}

/** A receiver of webhooks on a port of its own that keeps what it gets and answers with `status`. */
export async function startHook() {
  const deliveries: Delivery[] = []
  const state = { status: 204 }
  const take = async (request: IncomingMessage, reply: ServerResponse) => {
    const text = Buffer.concat(await Array.fromAsync(request)).toString()
    const body = JSON.parse(text) as Delivery['body']
    deliveries.push({ method: request.method ?? '', headers: request.headers, text, body })
    reply.writeHead(state.status, state.status === 302 ? { location: '/elsewhere' } : {}).end()
  }
  const server = createServer((request, reply) => {
    take(request, reply).catch((error: unknown) => reply.writeHead(500).end(String(error)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=secret-in-the-url`,
    deliveries,
    state,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Whether a delivery is signed with a secret (`whsec_…`) as the Standard Webhooks specification says. */
export function isSigned({ headers, text }: Delivery, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}
