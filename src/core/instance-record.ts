import { z } from 'zod'
import { Fault } from './fault.ts'
import { SSL_MODES, type Instance, type Node } from './instance.ts'

/** The newest version of an instance record that this program writes and reads. Older ones are read for ever. */
export const INSTANCE_RECORD_VERSION = 1

const settings = z.object({
  preferReplica: z.boolean(),
  maxLagBytes: z.int(),
  maxLagSeconds: z.int(),
  whenLagUnknown: z.enum(['use', 'skip']),
  maxKeptWalBytes: z.int(),
  keepCorrupt: z.boolean(),
  rpoSeconds: z.int().nonnegative().optional(),
  maxBytesPerSecond: z.int().nonnegative().optional(),
  maxStoreWaitSeconds: z.int().nonnegative().optional(),
  backOffLagSeconds: z.int().nonnegative().optional(),
  backOffCommitMs: z.int().nonnegative().optional(),
  backOffMaxSeconds: z.int().nonnegative().optional(),
})

const node = z.object({
  id: z.string().regex(/^\d{1,16}$/),
  role: z.enum(['primary', 'replica']),
  host: z.string(),
  port: z.int(),
  user: z.string(),
  database: z.string().optional(),
  sslMode: z.enum(SSL_MODES),
  sslRootCert: z.string().optional(),
})

const instanceRecord = z.object({
  format: z.literal('holdfast-instance'),
  version: z.literal(1),
  id: z.string().min(1),
  engine: z.enum(['postgres', 'mariadb']),
  engineVersion: z.string(),
  description: z.string(),
  settings,
  nodes: z.array(node),
  systemIdentifier: z.string().optional(),
  createdAt: z.int().nonnegative(),
  deregisteredAt: z.int().nonnegative().optional(),
})

/** What a store remembers of an instance. Passwords are not in it. */
export type InstanceRecord = z.infer<typeof instanceRecord>

/** An instance without the passwords of its nodes and without what only a catalog knows. */
export type RecordedInstance = Omit<Instance, 'version' | 'nodes'> & {
  readonly nodes: readonly Omit<Node, 'instanceId'>[]
}

/** The text of an instance's record: JSON that a person can read. Holds no secret. */
export function formatInstanceRecord(instance: RecordedInstance): string {
  const { id, engine, engineVersion, description, systemIdentifier, createdAt, deregisteredAt } = instance
  const record: InstanceRecord = {
    format: 'holdfast-instance',
    version: 1,
    id,
    engine,
    engineVersion,
    description,
    settings: settings.parse(instance.settings),
    nodes: instance.nodes.map((one) => node.parse({ id: one.id, role: one.role, ...one.address })),
    ...(systemIdentifier !== undefined && { systemIdentifier }),
    createdAt,
    ...(deregisteredAt !== undefined && { deregisteredAt }),
  }
  return `${JSON.stringify(record, null, 2)}\n`
}

/**
 * The instance that a record's text tells of. Unknown fields are ignored. Fault 'too_new' when its version is above ours,
 * 'store_corrupt' when it is no record. `where` names it in errors.
 */
export function parseInstanceRecord(text: string, where: string): RecordedInstance {
  const value = parseJson(text, where)
  const version = (value as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > INSTANCE_RECORD_VERSION) {
    throw new Fault(
      'too_new',
      `read ${where}: record version ${version}, this program knows up to ${INSTANCE_RECORD_VERSION}`,
      { hint: 'Update Holdfast: this record was written by a newer version.' },
    )
  }
  const parsed = instanceRecord.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new Fault('store_corrupt', `read ${where}: ${issue?.path.join('.')}: ${issue?.message}`, {
      cause: parsed.error,
    })
  }
  const { format: _format, version: _version, nodes, systemIdentifier, deregisteredAt, ...rest } = parsed.data
  return {
    ...rest,
    systemIdentifier,
    deregisteredAt,
    nodes: nodes.map(({ id, role, ...address }) => ({ id, role, address })),
  }
}

/** JSON of a text from a store. Fault `store_corrupt` when it is none. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Fault('store_corrupt', `read ${where}: not JSON`, { cause })
  }
}
