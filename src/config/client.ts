import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { Fault } from '../core/fault.ts'
import type { Environment } from './sources.ts'

/** What a command needs to call a service. */
export interface ClientSettings {
  /** `http://127.0.0.1:8080` */
  readonly endpoint: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

/** What the command line says; the secret never stands there. */
export interface ClientFlags {
  readonly endpoint?: string | undefined
  readonly accessKeyId?: string | undefined
  readonly accessKeySecretFile?: string | undefined
}

const clientSchema = z.strictObject({
  endpoint: z.string().min(1).optional(),
  accessKeyId: z.string().min(1).optional(),
  accessKeySecret: z.string().min(1).optional(),
  accessKeySecretFile: z.string().min(1).optional(),
})

type ClientFile = z.infer<typeof clientSchema>

const WAYS = {
  endpoint: '--endpoint, HOLDFAST_ENDPOINT or `endpoint:`',
  accessKeyId: '--access-key-id, HOLDFAST_ACCESS_KEY_ID or `accessKeyId:`',
  accessKeySecret:
    '--access-key-secret-file, HOLDFAST_ACCESS_KEY_SECRET_FILE, HOLDFAST_ACCESS_KEY_SECRET or `accessKeySecret:`',
} as const

/**
 * Endpoint and key: flags before environment before `~/.config/holdfast.yaml` (or HOLDFAST_CLIENT_CONFIG). Fault 'invalid' names
 * everything that is missing, and refuses a file that others may read.
 */
export function loadClientSettings(flags: ClientFlags, env: Environment): ClientSettings {
  const path = env['HOLDFAST_CLIENT_CONFIG'] ?? join(env['HOME'] ?? homedir(), '.config', 'holdfast.yaml')
  const file = readClientFile(path)
  const found = {
    endpoint: flags.endpoint ?? env['HOLDFAST_ENDPOINT'] ?? file.endpoint,
    accessKeyId: flags.accessKeyId ?? env['HOLDFAST_ACCESS_KEY_ID'] ?? file.accessKeyId,
    accessKeySecret: secretOf(flags, env, file),
  }
  const missing = (Object.keys(WAYS) as (keyof typeof WAYS)[]).filter((name) => found[name] === undefined)
  if (missing.length > 0) {
    const ways = missing.map((name) => `\n  ${name}: ${WAYS[name]} in ${path}`)
    throw new Fault('invalid', `call the service: not known how to${ways.join('')}`, {
      hint: "On the machine of the service, 'holdfast keys add --local' makes a key.",
    })
  }
  const { endpoint = '', accessKeyId = '', accessKeySecret = '' } = found
  if (!/^https?:\/\/[^/?#]+\/?$/.test(endpoint)) {
    throw new Fault('invalid', `call the service at ${endpoint}`, {
      hint: 'An endpoint is http:// or https:// and a host, without a path.',
    })
  }
  return { endpoint: endpoint.replace(/\/$/, ''), accessKeyId, accessKeySecret }
}

function secretOf(flags: ClientFlags, env: Environment, file: ClientFile): string | undefined {
  if (flags.accessKeySecretFile !== undefined) return readSecretFile(flags.accessKeySecretFile)
  const fromEnv = env['HOLDFAST_ACCESS_KEY_SECRET_FILE']
  if (fromEnv !== undefined) return readSecretFile(fromEnv)
  if (env['HOLDFAST_ACCESS_KEY_SECRET'] !== undefined) return env['HOLDFAST_ACCESS_KEY_SECRET']
  return file.accessKeySecretFile === undefined ? file.accessKeySecret : readSecretFile(file.accessKeySecretFile)
}

/** The text of a file that holds one secret, without the line end at its end. */
export function readSecretFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw new Fault('invalid', `read the secret in ${path}`, { cause, hint: 'Name a file that you may read.' })
  }
}

function readClientFile(path: string): ClientFile {
  let text: string
  try {
    if ((statSync(path).mode & 0o077) !== 0) {
      throw new Fault('forbidden', `read ${path}: others may read it, and it can hold a secret`, {
        hint: `Run: chmod 600 ${path}`,
      })
    }
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error instanceof Fault ? error : new Fault('invalid', `read ${path}`, { cause: error })
  }
  const parsed = clientSchema.safeParse(parseYaml(text, path) ?? {})
  if (parsed.success) return parsed.data
  throw new Fault(
    'invalid',
    `read ${path}: ${parsed.error.issues.map(({ path: at, message }) => `${at.join('.')} ${message}`.trim()).join('; ')}`,
    {
      hint: `It may hold ${Object.keys(clientSchema.shape).join(', ')}.`,
    },
  )
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text)
  } catch {
    throw new Fault('invalid', `read ${path}: no YAML`)
  }
}
