import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import type { Config } from './config.ts'
import { identityFileProblem } from './identity-file.ts'
import type { Problem } from './sources.ts'

/** What is wrong between settings that are each well formed, and with the files they name. */
export function combinationProblems(config: Config): Problem[] {
  return [
    ...listenProblems(config),
    ...urlProblems(config),
    ...emailProblems(config),
    ...encryptionProblems(config),
    ...fileProblems(config),
  ]
}

/** Whether an address to listen on is reached from this machine only. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

function* listenProblems({ api, metrics }: Config): Generator<Problem> {
  if (!isLoopback(api.host) && !api.tls && !api.allowPlaintext) {
    yield {
      path: 'api.host',
      what: `${api.host} is beyond loopback, and there is no TLS`,
      hint: 'Set api.tls.cert and api.tls.key, or api.allowPlaintext: true behind a proxy that ends TLS.',
    }
  }
  if (metrics.enabled && !isLoopback(metrics.host)) {
    yield { path: 'metrics.host', what: `${metrics.host} is no loopback address`, hint: 'Use 127.0.0.1 or ::1.' }
  }
  if (metrics.enabled && metrics.port !== 0 && metrics.port === api.port && metrics.host === api.host) {
    yield { path: 'metrics.port', what: 'is the same as api.port', hint: 'Give /metrics a port of its own.' }
  }
}

function* urlProblems({ catalog }: Config): Generator<Problem> {
  if (catalog.url.startsWith('sqlite:')) return
  if (!URL.canParse(catalog.url)) {
    yield { path: 'catalog.url', what: 'is no URL', hint: 'Write postgres://USER@HOST/DATABASE.' }
  } else if (new URL(catalog.url).password !== '') {
    yield {
      path: 'catalog.url',
      what: 'holds a password',
      hint: 'Put it into a file, and name that in catalog.passwordFile.',
    }
  }
}

function* emailProblems({ alerts: { email } }: Config): Generator<Problem> {
  if (!email) return
  if ((email.user === undefined) !== (email.passwordFile === undefined)) {
    const [missing, there] = email.user === undefined ? ['user', 'passwordFile'] : ['passwordFile', 'user']
    yield {
      path: `alerts.email.${missing}`,
      what: `is not set, and alerts.email.${there} is`,
      hint: 'Set both to log in, or neither.',
    }
  }
  if (email.security === 'none' && email.passwordFile !== undefined && !isLoopback(email.host)) {
    yield {
      path: 'alerts.email.security',
      what: 'none would send the password in the clear',
      hint: 'Use starttls or tls.',
    }
  }
}

function* encryptionProblems({ encryption }: Config): Generator<Problem> {
  const { recipients, oneRecipient, identityFile } = encryption
  const different = new Set(recipients).size
  if (different < recipients.length) {
    yield { path: 'encryption.recipients', what: 'names a recipient twice', hint: 'Name each one once.' }
  } else if (different === 1 && !oneRecipient) {
    yield {
      path: 'encryption.recipients',
      what: 'names a single recipient, whose identity may be lost',
      hint: 'Add one whose identity is kept elsewhere, or set encryption.oneRecipient: true.',
    }
  }
  const problem = identityFile === undefined ? undefined : identityFileProblem(identityFile)
  if (problem) yield { path: 'encryption.identityFile', what: problem.what, hint: problem.hint }
}

function* fileProblems({ api, catalog, alerts }: Config): Generator<Problem> {
  const files = {
    'api.tls.cert': api.tls?.cert,
    'api.tls.key': api.tls?.key,
    'catalog.passwordFile': catalog.passwordFile,
    'alerts.webhook.secretFile': alerts.webhook?.secretFile,
    'alerts.email.passwordFile': alerts.email?.passwordFile,
  }
  for (const [path, file] of Object.entries(files)) {
    if (file !== undefined && !existsSync(file)) yield { path, what: `no such file: ${file}`, hint: undefined }
  }
}
