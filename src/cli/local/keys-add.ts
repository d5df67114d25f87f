import { RIGHTS, renderKey } from '../../api/key-parameters.ts'
import type { ParameterCodec } from '../../api/parameters.ts'
import { newAccessKey } from '../../core/access-key.ts'
import { Fault } from '../../core/fault.ts'
import type { ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { localChange } from './local-change.ts'
import { configOf, withCatalog } from './open.ts'

export interface KeysAddOptions extends ConfigOptions {
  readonly description: string
  readonly rights: { readonly [name in keyof typeof RIGHTS]?: string | undefined }
}

/** Makes an access key in the catalog of this machine, and gives it in the form of CreateAccessKey's reply. */
export async function keysAddLocal({ description, rights, ...options }: KeysAddOptions, parts: Parts) {
  const { id, secret } = newAccessKey()
  const key = {
    id,
    description,
    createdAt: parts.clock.now(),
    role: parsed(RIGHTS.Role.codec, rights.Role, '--role') ?? RIGHTS.Role.default,
    instances: parsed(RIGHTS.InstanceIds.codec, rights.InstanceIds, '--instances'),
    sources: parsed(RIGHTS.SourceAddresses.codec, rights.SourceAddresses, '--from'),
    expiresAt: parsed(RIGHTS.ExpireTime.codec, rights.ExpireTime, '--expires'),
  }
  const local = localChange(
    'keys add --local',
    { AccessKeyId: id, Description: description, Role: key.role },
    parts.clock,
  )
  await withCatalog(configOf(options, parts), parts, (catalog) => catalog.addKey(key, secret, local))
  return { ...renderKey(key), AccessKeySecret: secret }
}

function parsed<T>(codec: ParameterCodec<T>, text: string | undefined, option: string): T | undefined {
  if (text === undefined) return undefined
  const value = codec.parse(text)
  if (value === undefined) throw new Fault('invalid', `${option} ${text}`, { hint: `It must be ${codec.form}.` })
  return value
}
