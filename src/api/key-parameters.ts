import { z } from 'zod'
import type { AccessKey } from '../catalog/keys.ts'
import { ALL_RIGHTS, KEY_ROLES } from '../core/access-key.ts'
import { isoSeconds } from '../lib/time.ts'
import type { Parameters } from './action.ts'
import { isBlock } from './caller.ts'
import { instanceId, list, oneOf, utcMinuteOrSecond, type ParameterCodec } from './parameters.ts'

/** An address or a CIDR block. */
const source: ParameterCodec<string> = {
  form: 'an address or a CIDR block, as 10.0.0.0/8',
  parse: (text) => (isBlock(text) ? text : undefined),
}

/** `all`, which lifts a limit, or what the codec takes. */
export const orAll = <T>(codec: ParameterCodec<T>): ParameterCodec<T | 'all'> => ({
  form: `all, or ${codec.form}`,
  parse: (text) => (text === 'all' ? 'all' : codec.parse(text)),
})

export const instanceIds = list(instanceId, { max: 1000 })
export const sourceAddresses = list(source, { max: 100 })

/** What a new key may be given. */
export const RIGHTS = {
  Role: {
    codec: oneOf(KEY_ROLES),
    default: 'admin',
    about:
      'read: look and download. operate: also take, verify, restore and delete backups, and change policies. admin: also instances, keys and the audit.',
  },
  InstanceIds: { codec: instanceIds, about: 'The only instances that it may know of. Absent: all.' },
  SourceAddresses: { codec: sourceAddresses, about: 'Where it may be used from. Absent: anywhere.' },
  ExpireTime: { codec: utcMinuteOrSecond, about: 'From then on it is refused. Absent: never.' },
} as const satisfies Parameters

/** A key as it is shown: never with a secret. */
export const keyItem = z.object({
  AccessKeyId: z.string(),
  Description: z.string(),
  CreateTime: z.string(),
  Role: z.enum(KEY_ROLES),
  InstanceIds: z.object({ InstanceId: z.array(z.string()) }).describe('Empty: all.'),
  SourceAddresses: z.object({ SourceAddress: z.array(z.string()) }).describe('Empty: from anywhere.'),
  ExpireTime: z.string().describe('Empty: never.'),
  OldSecretExpireTime: z
    .string()
    .describe('Until when the secret before the last rotation signs too; empty: none does.'),
})

export const renderKey = (key: AccessKey): z.infer<typeof keyItem> => ({
  AccessKeyId: key.id,
  Description: key.description,
  CreateTime: isoSeconds(key.createdAt),
  Role: key.role ?? ALL_RIGHTS.role,
  InstanceIds: { InstanceId: [...(key.instances ?? [])] },
  SourceAddresses: { SourceAddress: [...(key.sources ?? [])] },
  ExpireTime: key.expiresAt === undefined ? '' : isoSeconds(key.expiresAt),
  OldSecretExpireTime: key.oldSecretUntil === undefined ? '' : isoSeconds(key.oldSecretUntil),
})
