import { createHash, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { authorizeV3 } from '../../api/signature-v3.ts'
import type { ClientSettings } from '../../config/client.ts'
import { Fault } from '../../core/fault.ts'
import type { Clock } from '../../lib/clock.ts'
import { isoSeconds } from '../../lib/time.ts'
import { faultOfReply } from './fault-of-reply.ts'

export type CallParameters = Readonly<Record<string, string | undefined>>

/** Calls the actions of a service, each call signed (V3). */
export interface Client {
  readonly endpoint: string
  /**
   * Calls an action and gives its reply, of which `shape` is what the caller relies on: more may be in it. Undefined parameters are left out.
   * A refusal is the fault that its RDS code stands for, its message kept; no answer is 'service_unavailable'.
   */
  call<T>(action: string, parameters: CallParameters, shape: z.ZodType<T>): Promise<T>
}

const VERSION = '2014-08-15'

/** All parameters go in the body of a POST: secrets may stand only there, and no proxy logs it. */
export function createClient({ endpoint, accessKeyId, accessKeySecret }: ClientSettings, clock: Clock): Client {
  return {
    endpoint,
    async call(action, parameters, shape) {
      const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)
      const body = new URLSearchParams(given).toString()
      const headers = {
        host: new URL(endpoint).host,
        'content-type': 'application/x-www-form-urlencoded',
        'x-acs-action': action,
        'x-acs-version': VERSION,
        'x-acs-date': isoSeconds(clock.now()),
        'x-acs-signature-nonce': randomUUID(),
        'x-acs-content-sha256': createHash('sha256').update(body).digest('hex'),
      }
      const authorization = authorizeV3(
        { method: 'POST', target: '/', headers },
        { id: accessKeyId, secret: accessKeySecret },
      )
      const reply = await send(endpoint, { ...headers, accept: 'application/json', authorization }, body)
      return readReply(reply, action, shape)
    },
  }
}

async function send(
  endpoint: string,
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number; text: string }> {
  try {
    const reply = await fetch(`${endpoint}/`, { method: 'POST', headers, body, redirect: 'error' })
    return { status: reply.status, text: await reply.text() }
  } catch (cause) {
    throw new Fault('service_unavailable', `call ${endpoint}: ${reasonOf(cause)}`, {
      cause,
      hint: 'Is `holdfast serve` running there, and is the endpoint right?',
    })
  }
}

/** fetch() hides why behind 'fetch failed'. */
function reasonOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined
  return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : String(error)
}

function readReply<T>({ status, text }: { status: number; text: string }, action: string, shape: z.ZodType<T>): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Fault('service_unavailable', `call ${action}: status ${status} and no JSON in the answer`, {
      hint: 'Is this the endpoint of a Holdfast service, or something in front of it?',
    })
  }
  if (status !== 200) throw faultOfReply(status, value, action)
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Fault('service_unavailable', `call ${action}: an answer of another form than expected`, {
    cause: parsed.error,
    hint: 'The service may be older than this command: compare their versions.',
  })
}
