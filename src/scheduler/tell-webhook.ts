import { createHmac } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import { renderJson, type Receiver } from './alert-message.ts'

const PREFIX = 'whsec_'
/** A receiver that takes longer has not taken it. */
const PATIENCE_MS = 15_000

/**
 * Sends alerts by POST, signed as the Standard Webhooks specification says: `webhook-id`, `webhook-timestamp` (Unix seconds), and
 * `webhook-signature`, `v1,` and the base64 of the HMAC-SHA256 of `<id>.<timestamp>.<body>`. An answer of 2xx has taken it; redirects are
 * not followed. Fault 'invalid' for a secret of another form.
 */
export function webhookReceiver({ url, secret }: { readonly url: string; readonly secret: string }): Receiver {
  const key = keyOf(secret)
  return {
    name: 'webhook',
    async tell(message, signal) {
      const body = renderJson(message)
      const timestamp = String(Math.floor(message.at / 1000))
      const signature = createHmac('sha256', key).update(`${message.id}.${timestamp}.${body}`).digest('base64')
      const response = await answerOf(url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
        headers: {
          'content-type': 'application/json',
          'user-agent': 'holdfast',
          'webhook-id': message.id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${signature}`,
        },
        body,
      })
      await response.body?.cancel()
      if (!response.ok) throw refused(`it answered with status ${response.status}`)
    },
  }
}

/** The URL may hold a secret in its path or query: errors do not repeat it. */
const refused = (why: string, cause?: unknown) =>
  new Fault('service_unavailable', `tell the webhook of alerts: ${why}`, {
    hint: 'See whether alerts.webhook.url is right and answers with 2xx: holdfast alerts test.',
    cause,
  })

async function answerOf(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request)
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } }
    const late = error instanceof Error && error.name === 'TimeoutError'
    throw refused(late ? `no answer within ${PATIENCE_MS / 1000} s` : `no answer (${cause?.code ?? 'broken'})`, error)
  }
}

function keyOf(secret: string): Buffer {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : ''
  const key = Buffer.from(text, 'base64')
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text) && key.length >= 24 && key.length <= 64) return key
  throw new Fault('invalid', 'read alerts.webhook.secretFile: it must hold whsec_ and 24 to 64 bytes in base64', {
    hint: 'Make one: echo "whsec_$(openssl rand -base64 32)"',
  })
}
