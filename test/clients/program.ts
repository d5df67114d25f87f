import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { Answer, Client } from './client.ts'

const answer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('reply'), reply: z.unknown() }),
  z.object({
    kind: z.literal('refused'),
    code: z.string(),
    message: z.string(),
    requestId: z
      .string()
      .nullish()
      .transform((id) => id ?? undefined),
    status: z
      .number()
      .nullish()
      .transform((status) => status ?? undefined),
  }),
  z.object({ kind: z.literal('absent') }),
  z.object({ kind: z.literal('unsendable'), reason: z.string() }),
])

/**
 * A client in a program of its own, which reads a call a line from stdin and writes its answer as a line to stdout. A program that ends
 * fails the call that waits for it, with what it last said on stderr.
 */
export function programClient(
  about: Omit<Client, 'call' | 'close'>,
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Client {
  const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'], ...options })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000)
  })
  child.on('error', (error) => {
    said += error.message
  })
  // A write to a program that has ended is told by the line that does not come.
  child.stdin.on('error', () => {})
  return {
    ...about,
    async call(action, parameters, key, format): Promise<Answer> {
      child.stdin.write(`${JSON.stringify({ action, parameters, key, format })}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`the program of ${about.name} ended: ${said.trim()}`)
      return answer.parse(JSON.parse(value))
    },
    close: () => child.stdin.end(),
  }
}
