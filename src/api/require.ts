import type { Catalog } from '../catalog/catalog.ts'
import type { KnownPolicy } from '../catalog/policy-rows.ts'
import type { BackupSet } from '../core/backup-set.ts'
import type { Instance } from '../core/instance.ts'
import { opens, type Encryption } from '../set/encryption.ts'
import { RdsError, type RdsErrorCode } from './errors.ts'
import { releasing, statusOf } from './instance-status.ts'

const noInstance = (id: string, code: RdsErrorCode) => new RdsError(code, `The database instance ${id} does not exist.`)

/** Refuses an id that no instance, registered or not, ever had. */
export async function requireInstance(catalog: Catalog, id: string): Promise<void> {
  const version = await catalog.instanceVersion(id)
  if (version === undefined) throw noInstance(id, 'InvalidDBInstanceName.NotFound')
}

/** The instance of this id, which is registered now; else the error of `code`. */
export async function requireRegistered(
  catalog: Catalog,
  id: string,
  code: RdsErrorCode = 'InvalidDBInstanceName.NotFound',
): Promise<Instance> {
  const instance = await catalog.instance(id)
  if (instance === undefined || instance.deregisteredAt !== undefined) throw noInstance(id, code)
  return instance
}

/** The registered instance of this id, which is neither being made nor released. */
export async function requireMade(catalog: Catalog, id: string, code?: RdsErrorCode): Promise<Instance> {
  const instance = await requireRegistered(catalog, id, code)
  const status = statusOf(instance, await releasing(catalog))
  if (status === 'Running') return instance
  const how = status === 'Creating' ? 'being made: wait for its task, or cancel it' : 'being released'
  throw new RdsError('IncorrectDBInstanceState', `The instance ${id} is ${how}.`)
}

/** The set of this id, which is of the instance and holds bytes. */
export async function requireSet(catalog: Catalog, instanceId: string, setId: string): Promise<BackupSet> {
  await requireInstance(catalog, instanceId)
  const set = await catalog.set(setId)
  if (set?.instanceId !== instanceId || set.removing) {
    throw new RdsError(
      'InvalidBackupSetID.NotFound',
      `The backup set ${setId} of instance ${instanceId} does not exist.`,
    )
  }
  if (set.manifestKey === undefined) {
    throw new RdsError(
      'IncorrectBackupSetState',
      `The backup set ${setId} failed and holds nothing: ${set.reason ?? ''}`,
    )
  }
  return set
}

/** Refuses a set that is encrypted and that this service has no identity for. */
export function requireOpenable({ id, encryption }: BackupSet, { identities }: Encryption): void {
  if (opens(identities, encryption)) return
  throw new RdsError(
    'IncorrectBackupSetState',
    `The backup set ${id} is encrypted to ${encryption?.recipients.join(', ')}, and this service holds no identity of theirs. ` +
      'Restore it where one is: holdfast backups restore SET --store URL --identity FILE.',
  )
}

/** The policy of an instance that is there. */
export async function policyOf(catalog: Catalog, instanceId: string): Promise<KnownPolicy> {
  const known = await catalog.policyOf(instanceId)
  if (known === undefined) throw noInstance(instanceId, 'InvalidDBInstanceName.NotFound')
  return known
}
