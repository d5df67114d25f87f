import { createTransport, type Transporter } from 'nodemailer'
import { Fault } from '../core/fault.ts'
import { renderText, type Receiver } from './alert-message.ts'

export interface EmailSettings {
  readonly host: string
  readonly port: number
  /** `starttls` and `tls` must hold: there is no way back to the clear. */
  readonly security: 'starttls' | 'tls' | 'none'
  readonly login: { readonly user: string; readonly password: string } | undefined
  readonly from: string
  readonly to: readonly string[]
}

/** A server that takes longer to say its next word has not taken it. */
const PATIENCE_MS = 15_000

/** Sends alerts as plain letters by SMTP. */
export const emailReceiver = (settings: EmailSettings): Receiver => ({
  name: 'email',
  async tell(message, signal) {
    signal.throwIfAborted()
    const { from, to } = settings
    const { subject, text } = renderText(message)
    const transport = transportOf(settings)
    try {
      const messageId = `<${message.id}@holdfast.invalid>`
      const { rejected = [] } = await transport.sendMail({ from, to: [...to], subject, text, messageId })
      if (rejected.length > 0) throw refused(settings, `${rejected.length} of ${to.length} addresses were refused`)
    } catch (error) {
      throw Fault.is(error) ? error : refused(settings, whyOf(error), error)
    } finally {
      transport.close()
    }
  },
})

function transportOf({ host, port, security, login }: EmailSettings): Transporter {
  return createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(login && { auth: { user: login.user, pass: login.password } }),
    connectionTimeout: PATIENCE_MS,
    greetingTimeout: PATIENCE_MS,
    socketTimeout: PATIENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

/** What the server or the connection says; never what was sent. */
function whyOf(error: unknown): string {
  const { code, responseCode, response } = error as { code?: string; responseCode?: number; response?: string }
  if (code === 'EAUTH') return `it refuses the login (${responseCode ?? code})`
  return response?.split('\n')[0]?.slice(0, 200) ?? code ?? 'it does not answer'
}

const refused = ({ host, port }: EmailSettings, why: string, cause?: unknown) =>
  new Fault('service_unavailable', `tell of alerts by email through ${host}:${port}: ${why}`, {
    hint: 'See whether alerts.email is right: holdfast alerts test.',
    cause,
  })
