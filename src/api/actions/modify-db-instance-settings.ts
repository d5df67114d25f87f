import { z } from 'zod'
import type { InstanceChange } from '../../catalog/catalog.ts'
import type { Instance, InstanceSettings } from '../../core/instance.ts'
import { writeInstanceRecord } from '../../set/instance-record.ts'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { nodeItem, renderNode, renderSettings, settingsItem } from '../instance-item.ts'
import { probeKnown, requireOneDatabase, type ProbedNode } from '../nodes.ts'
import { bandwidth, flag, instanceId, integer, oneOf, text } from '../parameters.ts'
import { requireMade } from '../require.ts'

const LARGEST = Number.MAX_SAFE_INTEGER
const A_DAY = 86_400
const A_YEAR = 31_536_000

/** Changes how an instance is backed up. */
export const modifyDBInstanceSettings = defineAction({
  name: 'ModifyDBInstanceSettings',
  about: 'Changes the description and the settings of an instance. What is not named stays as it is.',
  extension: true,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    DBInstanceDescription: { codec: text({ max: 256 }), about: 'A name for people.' },
    PreferReplica: {
      codec: flag,
      about: 'Take backups from a replica whose lag is below both limits; else from the primary.',
    },
    MaxReplicaLagBytes: {
      codec: integer({ min: 0, max: LARGEST }),
      about: 'Largest lag of such a replica, in bytes of log.',
    },
    MaxReplicaLagSeconds: {
      codec: integer({ min: 0, max: A_YEAR }),
      about: 'Largest lag of such a replica, in seconds.',
    },
    WhenLagUnknown: {
      codec: oneOf(['use', 'skip']),
      about: 'What to do with a replica whose lag cannot be known because the primary does not answer.',
    },
    MaxKeptWalBytes: {
      codec: integer({ min: 1, max: LARGEST }),
      about: 'A backup stops with the reason before the log kept for it exceeds this many bytes.',
    },
    KeepCorrupt: {
      codec: flag,
      about: 'Keep a set, with IsAvail 0, when the database reports bad pages, instead of having none.',
    },
    RpoSeconds: {
      codec: integer({ min: 0, max: 100 * A_YEAR }),
      about:
        'Raise an alert when what could be restored is older than so many seconds; 0: when a backup that the schedule asks for is late.',
    },
    MaxBytesPerSecond: {
      codec: bandwidth,
      about:
        'Most bytes a second that a backup puts into the store, also one that runs; at least 65536, or 0 for no limit.',
    },
    MaxStoreWaitSeconds: {
      codec: integer({ min: 0, max: A_DAY }),
      about: 'How long a backup waits for a store that takes nothing before its attempt fails; 0: not at all.',
    },
    BackOffLagSeconds: {
      codec: integer({ min: 0, max: A_DAY }),
      about: 'A backup waits while a replica is further behind, in seconds; 0: never for that.',
    },
    BackOffCommitMilliseconds: {
      codec: integer({ min: 0, max: 3_600_000 }),
      about: 'A backup waits while a small commit takes longer, in milliseconds; 0: never for that.',
    },
    BackOffMaxSeconds: {
      codec: integer({ min: 1, max: A_YEAR }),
      about: 'How long one backup waits for its busy database in all; then it goes on.',
    },
    SystemIdentifier: {
      codec: text({ max: 20 }),
      about:
        'Take the database that the nodes are now for the instance, after it was made anew: its system identifier, which every node that answers must have. Sets of the earlier one stay.',
    },
  },
  errors: ['InvalidDBInstanceName.NotFound', 'IncorrectDBInstanceState', 'DBInstanceUnready', 'DBInstanceMismatch'],
  faults: {
    not_found: 'InvalidDBInstanceName.NotFound',
    replayed: 'SignatureNonceUsed',
    conflict: 'ServiceUnavailable',
    store_unavailable: 'ServiceUnavailable',
    store_full: 'ServiceUnavailable',
  },
  reply: z.object({
    DBInstanceId: z.string(),
    DBInstanceDescription: z.string(),
    EngineVersion: z.string(),
    SystemIdentifier: z.string(),
    Settings: settingsItem,
    Nodes: z.object({ Node: z.array(nodeItem) }),
  }),

  async handle(values, { catalog, store, engineOf, once, signal }) {
    const instance = await requireMade(catalog, values.DBInstanceId)
    const generation =
      values.SystemIdentifier === undefined
        ? {}
        : newGeneration(
            values.SystemIdentifier,
            await probeKnown(engineOf(instance.engine), instance.nodes, signal),
            instance,
          )
    const changed = await catalog.updateInstance(
      instance.id,
      {
        ...(values.DBInstanceDescription !== undefined && { description: values.DBInstanceDescription }),
        settings: settingsOf(values),
        ...generation,
      },
      once,
    )
    await writeInstanceRecord(store, changed)
    return {
      DBInstanceId: changed.id,
      DBInstanceDescription: changed.description,
      EngineVersion: changed.engineVersion,
      SystemIdentifier: changed.systemIdentifier ?? '',
      Settings: renderSettings(changed),
      Nodes: { Node: changed.nodes.map(renderNode) },
    }
  },
})

interface Wanted {
  readonly PreferReplica: boolean | undefined
  readonly MaxReplicaLagBytes: number | undefined
  readonly MaxReplicaLagSeconds: number | undefined
  readonly WhenLagUnknown: InstanceSettings['whenLagUnknown'] | undefined
  readonly MaxKeptWalBytes: number | undefined
  readonly KeepCorrupt: boolean | undefined
  readonly RpoSeconds: number | undefined
  readonly MaxBytesPerSecond: number | undefined
  readonly MaxStoreWaitSeconds: number | undefined
  readonly BackOffLagSeconds: number | undefined
  readonly BackOffCommitMilliseconds: number | undefined
  readonly BackOffMaxSeconds: number | undefined
}

/** The settings that are named, and no others. */
function settingsOf(wanted: Wanted): Partial<InstanceSettings> {
  const settings = {
    preferReplica: wanted.PreferReplica,
    maxLagBytes: wanted.MaxReplicaLagBytes,
    maxLagSeconds: wanted.MaxReplicaLagSeconds,
    whenLagUnknown: wanted.WhenLagUnknown,
    maxKeptWalBytes: wanted.MaxKeptWalBytes,
    keepCorrupt: wanted.KeepCorrupt,
    rpoSeconds: wanted.RpoSeconds,
    maxBytesPerSecond: wanted.MaxBytesPerSecond,
    maxStoreWaitSeconds: wanted.MaxStoreWaitSeconds,
    backOffLagSeconds: wanted.BackOffLagSeconds,
    backOffCommitMs: wanted.BackOffCommitMilliseconds,
    backOffMaxSeconds: wanted.BackOffMaxSeconds,
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

/** What the nodes are now, if they are the database that the caller says they are. */
function newGeneration(wanted: string, probed: readonly ProbedNode[], instance: Instance): InstanceChange {
  const identity = requireOneDatabase(probed)
  if (identity.systemIdentifier !== wanted) {
    throw new RdsError(
      'DBInstanceMismatch',
      `The nodes of ${instance.id} have the system identifier ${identity.systemIdentifier}, not ${wanted}.`,
    )
  }
  const roles = probed.flatMap(({ facts }, index) => {
    const node = instance.nodes[index]
    return facts && node ? [[node.id, facts.role] as const] : []
  })
  return { ...identity, roles: Object.fromEntries(roles) }
}
