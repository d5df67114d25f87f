import { z } from 'zod'
import { BACK_OFF_SECONDS, STORE_WAIT_SECONDS, type Instance, type Node } from '../core/instance.ts'
import { isoSeconds } from '../lib/time.ts'
import { INSTANCE_STATUSES, type InstanceStatus } from './instance-status.ts'
import { engineName, roleName } from './names.ts'

/** What DescribeDBInstances and DescribeDBInstanceAttribute both show of an instance. */
export const instanceItem = z.object({
  DBInstanceId: z.string(),
  DBInstanceDescription: z.string(),
  DBInstanceStatus: z
    .enum(INSTANCE_STATUSES)
    .describe('Creating while a clone makes it, Deleting while it is released.'),
  DBInstanceType: z.literal('Primary'),
  Engine: z.string(),
  EngineVersion: z.string(),
  RegionId: z.string(),
  Category: z.enum(['Basic', 'HighAvailability']).describe('HighAvailability when it has a replica.'),
  ConnectionString: z.string().describe('Host of the primary, as it was registered.'),
  ConnectionMode: z.literal('Standard'),
  DBInstanceNetType: z.literal('Intranet'),
  InstanceNetworkType: z.literal('VPC'),
  DBInstanceStorageType: z.literal('local_ssd'),
  PayType: z.literal('Postpaid'),
  LockMode: z.literal('Unlock'),
  ExpireTime: z.literal(''),
})

/** The node that we take for the primary: the one that was when last probed, else the first. */
export const primaryOf = ({ nodes }: Instance): Node | undefined =>
  nodes.find(({ role }) => role === 'primary') ?? nodes[0]

export function renderInstance(
  instance: Instance,
  status: InstanceStatus,
  region: string,
): z.infer<typeof instanceItem> {
  return {
    DBInstanceId: instance.id,
    DBInstanceDescription: instance.description,
    DBInstanceStatus: status,
    DBInstanceType: 'Primary',
    Engine: engineName(instance.engine),
    EngineVersion: instance.engineVersion,
    RegionId: region,
    Category: instance.nodes.length > 1 ? 'HighAvailability' : 'Basic',
    ConnectionString: primaryOf(instance)?.address.host ?? '',
    ConnectionMode: 'Standard',
    DBInstanceNetType: 'Intranet',
    InstanceNetworkType: 'VPC',
    DBInstanceStorageType: 'local_ssd',
    PayType: 'Postpaid',
    LockMode: 'Unlock',
    ExpireTime: '',
  }
}

/** A node as extensions show it: never with its password. */
export const nodeItem = z.object({
  HostInstanceID: z.string(),
  Role: z.enum(['Master', 'Slave']).describe('As last seen by a probe.'),
  Host: z.string(),
  Port: z.int(),
  User: z.string(),
  SslMode: z.string(),
})

export const renderNode = ({ id, role, address }: Node): z.infer<typeof nodeItem> => ({
  HostInstanceID: id,
  Role: roleName(role),
  Host: address.host,
  Port: address.port,
  User: address.user,
  SslMode: address.sslMode,
})

/** The settings of an instance as extensions show them. */
export const settingsItem = z.object({
  PreferReplica: z.boolean(),
  MaxReplicaLagBytes: z.int(),
  MaxReplicaLagSeconds: z.int(),
  WhenLagUnknown: z.enum(['use', 'skip']),
  MaxKeptWalBytes: z.int(),
  KeepCorrupt: z.boolean(),
  RpoSeconds: z.int(),
  MaxBytesPerSecond: z.int().describe('0: no limit.'),
  MaxStoreWaitSeconds: z.int(),
  BackOffLagSeconds: z.int().describe('0: never for that.'),
  BackOffCommitMilliseconds: z.int().describe('0: never for that.'),
  BackOffMaxSeconds: z.int(),
})

export const renderSettings = ({ settings }: Instance): z.infer<typeof settingsItem> => ({
  PreferReplica: settings.preferReplica,
  MaxReplicaLagBytes: settings.maxLagBytes,
  MaxReplicaLagSeconds: settings.maxLagSeconds,
  WhenLagUnknown: settings.whenLagUnknown,
  MaxKeptWalBytes: settings.maxKeptWalBytes,
  KeepCorrupt: settings.keepCorrupt,
  RpoSeconds: settings.rpoSeconds ?? 0,
  MaxBytesPerSecond: settings.maxBytesPerSecond ?? 0,
  MaxStoreWaitSeconds: settings.maxStoreWaitSeconds ?? STORE_WAIT_SECONDS,
  BackOffLagSeconds: settings.backOffLagSeconds ?? 0,
  BackOffCommitMilliseconds: settings.backOffCommitMs ?? 0,
  BackOffMaxSeconds: settings.backOffMaxSeconds ?? BACK_OFF_SECONDS,
})

/** When the instance was registered. */
export const createdTime = ({ createdAt }: Instance): string => isoSeconds(createdAt)
