import { z } from 'zod'
import { KEY_ROLES } from '../../core/access-key.ts'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { instanceIds, orAll, sourceAddresses } from '../key-parameters.ts'
import { oneOf, text, utcMinuteOrSecond, type ParameterCodec } from '../parameters.ts'
import type { Moment } from '../../lib/clock.ts'

const endOrNever: ParameterCodec<Moment | 'never'> = {
  form: `never, or ${utcMinuteOrSecond.form}`,
  parse: (given) => (given === 'never' ? 'never' : utcMinuteOrSecond.parse(given)),
}

/** Changes what a key may do. */
export const modifyAccessKey = defineAction({
  name: 'ModifyAccessKey',
  about: 'Changes the role and the limits of an access key, from the next second on. What is not named stays as it is.',
  extension: true,
  mutates: true,
  role: 'admin',
  lastingKeyOnly: true,
  parameters: {
    UserAccessKeyId: { codec: text({ max: 128 }), required: true, about: 'The key.' },
    Description: { codec: text({ max: 256 }), about: 'Whose key it is, for people.' },
    Role: { codec: oneOf(KEY_ROLES), about: 'read, operate or admin.' },
    InstanceIds: { codec: orAll(instanceIds), about: 'The only instances that it may know of, or all.' },
    SourceAddresses: { codec: orAll(sourceAddresses), about: 'Where it may be used from; all for anywhere.' },
    ExpireTime: { codec: endOrNever, about: 'From then on it is refused, or never.' },
  },
  errors: ['OperationDenied.LastAccessKey', 'InvalidAccessKeyId.NotFound'],
  faults: { not_found: 'InvalidAccessKeyId.NotFound', replayed: 'SignatureNonceUsed' },
  reply: z.object({ AccessKeyId: z.string() }),

  async handle(values, { catalog, caller, once }) {
    const { UserAccessKeyId: id, Description, Role, InstanceIds, SourceAddresses, ExpireTime } = values
    const narrows = Role !== undefined && Role !== 'admin'
    if (id === caller.keyId && (narrows || (InstanceIds ?? 'all') !== 'all')) {
      throw new RdsError(
        'OperationDenied.LastAccessKey',
        'A key cannot take from itself what it needs to give it back.',
      )
    }
    await catalog.changeKey(
      id,
      {
        ...(Description !== undefined && { description: Description }),
        ...(Role !== undefined && { role: Role }),
        ...(InstanceIds !== undefined && { instances: InstanceIds === 'all' ? undefined : InstanceIds }),
        ...(SourceAddresses !== undefined && { sources: SourceAddresses === 'all' ? undefined : SourceAddresses }),
        ...(ExpireTime !== undefined && { expiresAt: ExpireTime === 'never' ? undefined : ExpireTime }),
      },
      once,
    )
    return { AccessKeyId: id }
  },
})
