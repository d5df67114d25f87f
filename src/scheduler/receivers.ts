import { readSecretFile } from '../config/client.ts'
import type { Config } from '../config/config.ts'
import type { Receiver } from './alert-message.ts'
import { emailReceiver } from './tell-email.ts'
import { webhookReceiver } from './tell-webhook.ts'

/** Whom the configuration says alerts are sent to. Fault 'invalid' when a secret cannot be read. */
export function receiversOf({ webhook, email }: Config['alerts']): readonly Receiver[] {
  return [
    ...(webhook ? [webhookReceiver({ url: webhook.url, secret: readSecretFile(webhook.secretFile) })] : []),
    ...(email ? [emailReceiver({ ...email, login: loginOf(email) })] : []),
  ]
}

const loginOf = ({ user, passwordFile }: NonNullable<Config['alerts']['email']>) =>
  user === undefined || passwordFile === undefined ? undefined : { user, password: readSecretFile(passwordFile) }
