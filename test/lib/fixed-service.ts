import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ACTIONS } from '../../src/api/actions.ts'

/** One call that a fixed service got. */
export interface SeenCall {
  readonly action: string
  readonly parameters: Readonly<Record<string, string>>
  readonly url: string
}

type Answer = Record<string, unknown> | { readonly status: number; readonly Code: string; readonly Message: string }

/**
 * A service that answers each action with what it was given, whatever is asked: to show what a client makes of it. An answer
 * that the action could not give fails the call.
 */
export async function fixedService(answers: Readonly<Record<string, Answer | readonly Answer[]>>) {
  const calls: SeenCall[] = []
  const turns = new Map<string, number>()
  const serve = async (request: IncomingMessage, reply: ServerResponse) => {
    const body = Buffer.concat(await Array.fromAsync(request)).toString()
    const action = String(request.headers['x-acs-action'])
    calls.push({ action, parameters: Object.fromEntries(new URLSearchParams(body)), url: request.url ?? '' })
    const { status, body: answer } = answerTo(action)
    reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  }
  const server = createServer((request, reply) => {
    serve(request, reply).catch((error: unknown) => reply.writeHead(500).end(String(error)))
  })

  const answerTo = (action: string) => {
    const turn = turns.get(action) ?? 0
    turns.set(action, turn + 1)
    const given = answers[action]
    const answer = Array.isArray(given)
      ? (given[Math.min(turn, given.length - 1)] as Answer)
      : (given as Answer | undefined)
    if (!answer) return { status: 404, body: { Code: 'InvalidAction.NotFound', Message: `No ${action} here.` } }
    if ('status' in answer) return { status: Number(answer.status), body: { ...answer, RequestId: 'R-1', HostId: 'h' } }
    const shape = ACTIONS.find(({ name }) => name === action)?.reply
    if (!shape) throw new Error(`no action ${action}`)
    return { status: 200, body: { RequestId: 'R-1', ...shape.parse(answer) } }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
