import { z } from 'zod'
import { Fault } from './fault.ts'

/** The newest manifest version this program writes and reads. Older ones are read for ever. Version 2 is that of encrypted sets. */
export const MANIFEST_VERSION = 2

const decimal = z.string().regex(/^\d{1,16}$/)
const moment = z.int().nonnegative()
const bytes = z.int().nonnegative()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** One object of a set: its key, what is stored, and what it decodes to. */
const stored = z.object({
  /** Name inside the set: `data` for the one part of a physical set, `globals` and `db/<database>` for those of a logical one. */
  name: z.string().min(1),
  key: z.string().min(1),
  /** Bytes as stored. */
  size: bytes,
  /** SHA-256 of the bytes as stored, lower hex. */
  sha256,
  /** CRC-64 of ECMA-182 of the bytes as stored, decimal. Sets of versions before 0.2 have none. */
  crc64: z
    .string()
    .regex(/^\d{1,20}$/)
    .optional(),
  /** `zstd`, or that within a file of age. */
  encoding: z.enum(['zstd', 'zstd+age']),
  /** Bytes after decoding. */
  plainSize: bytes,
  frames: z.int().nonnegative(),
})

/** What PostgreSQL and its machine were, as far as a restore must know. */
const postgres = z.object({
  systemIdentifier: z.string(),
  timeline: z.int().positive(),
  startLsn: z.string(),
  endLsn: z.string(),
  /** `server_version_num`, 150018. */
  serverVersion: z.int(),
  serverVersionText: z.string(),
  architecture: z.string(),
  blockSize: z.int(),
  walSegmentSize: z.int(),
  dataChecksums: z.boolean(),
  pageChecksums: z.enum(['passed', 'failed', 'not available', 'not checked']),
  /** Relations and blocks that the server reported with bad page checksums. */
  badPages: z.array(z.string()),
  encoding: z.string().optional(),
  /** Name of the role that initdb made, by which the owner of a restored cluster comes in. */
  superuser: z.string().optional(),
  collations: z.array(
    z.object({ database: z.string(), provider: z.string(), locale: z.string(), version: z.string() }),
  ),
  extensions: z.array(z.object({ database: z.string(), name: z.string(), version: z.string() })),
  preloadLibraries: z.array(z.string()),
  /** Settings from configuration files, canonical text, without secrets. */
  settings: z.record(z.string(), z.string()),
  hbaRules: z.array(z.string()),
  identRules: z.array(z.string()),
  configInDataDirectory: z.boolean(),
  dataDirectoryMode: z.enum(['0700', '0750']),
  tablespaces: z.array(z.object({ oid: z.string(), location: z.string() })),
  fromReplica: z.boolean(),
})

/** What one database of a logical set was, and needs where it is restored. */
const logicalDatabase = z.object({
  name: z.string().min(1),
  /** The name of its part. */
  part: z.string().min(1),
  oid: decimal,
  owner: z.string(),
  encoding: z.string(),
  /** What its text is sorted by. `locale` is LC_COLLATE, or the locale of ICU or the built-in provider. */
  collation: z.object({ provider: z.string(), locale: z.string(), ctype: z.string(), version: z.string() }),
  tablespace: z.string(),
  /** Every tablespace that something in it lies in, but the server's own two. */
  tablespaces: z.array(z.string()),
  /** Roles that own something in it or have rights to it. */
  roles: z.array(z.string()),
  extensions: z.array(z.object({ name: z.string(), version: z.string() })),
  /** The moment of its snapshot by the server's clock, and the WAL position there. */
  snapshotAt: moment,
  lsn: z.string(),
  /** Bytes it took on the server; absent in sets of earlier versions. */
  size: z.int().nonnegative().optional(),
})

/** What a logical set of PostgreSQL is made of, as far as a restore must know. */
const logical = z.object({
  systemIdentifier: z.string(),
  serverVersion: z.int(),
  serverVersionText: z.string(),
  /** What `pg_dump --version` said: no older pg_restore reads its parts. */
  toolVersion: z.string(),
  fromReplica: z.boolean(),
  /** The part of roles and tablespaces; absent in a set of chosen databases. */
  globals: z.object({ part: z.string().min(1), rolePasswords: z.boolean() }).optional(),
  databases: z.array(logicalDatabase),
})

/** To whom the parts of a set are encrypted. */
const encryption = z.object({
  format: z.literal('age'),
  /** Whether the service that wrote it could open it (`held`) or not (`escrow`). */
  mode: z.enum(['escrow', 'held']),
  /** Fingerprint of each recipient, in order: any one's identity opens the set. */
  recipients: z.array(z.string().regex(/^[0-9a-f]{16}$/)).min(1),
})

export const manifestSchema = z.object({
  format: z.literal('holdfast-set'),
  version: z.literal([1, 2]),
  backupId: decimal,
  taskId: decimal,
  attempt: z.int().positive(),
  instance: z.object({
    id: z.string(),
    engine: z.enum(['postgres', 'mariadb']),
    engineVersion: z.string(),
    description: z.string(),
  }),
  node: z.object({ id: decimal, role: z.enum(['primary', 'replica']) }),
  type: z.enum(['FullBackup', 'IncrementalBackup']),
  mode: z.enum(['Automated', 'Manual']),
  method: z.enum(['Physical', 'Logical']),
  parentId: decimal.optional(),
  startedAt: moment,
  endedAt: moment,
  consistentAt: moment,
  available: z.boolean(),
  warnings: z.array(z.string()),
  parts: z.array(stored).min(1),
  /** Objects beside the parts that a later incremental or check needs (`backup_manifest`); not in the download. */
  extras: z.array(stored),
  /** Of an encrypted set. Its extras are not encrypted: they hold names and sizes, and an increment needs them. */
  encryption: encryption.optional(),
  postgres: postgres.optional(),
  /** Of a logical set of PostgreSQL. */
  logical: logical.optional(),
})

export type Manifest = z.infer<typeof manifestSchema>
export type StoredObject = z.infer<typeof stored>
export type SetEncryption = z.infer<typeof encryption>
export type PostgresFacts = z.infer<typeof postgres>
export type LogicalFacts = z.infer<typeof logical>
export type LogicalDatabase = z.infer<typeof logicalDatabase>

/**
 * The manifest that `text` holds. `where` names it in errors.
 *
 * Unknown fields are ignored. Fault 'too_new' when its version is above ours, 'store_corrupt' when it is no manifest.
 */
export function parseManifest(text: string, where: string): Manifest {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Fault('store_corrupt', `read ${where}: not JSON`, { cause })
  }
  const version = (value as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > MANIFEST_VERSION) {
    throw new Fault(
      'too_new',
      `read ${where}: manifest version ${version}, this program knows up to ${MANIFEST_VERSION}`,
      {
        hint: 'Update Holdfast: this set was written by a newer version.',
      },
    )
  }
  const parsed = manifestSchema.safeParse(value)
  if (parsed.success) return consistent(parsed.data, where)
  const issue = parsed.error.issues[0]
  throw new Fault('store_corrupt', `read ${where}: ${issue?.path.join('.')}: ${issue?.message}`, {
    cause: parsed.error,
  })
}

/** A set is encrypted in all its parts or in none, and names to whom. */
function consistent(manifest: Manifest, where: string): Manifest {
  const encoding = manifest.encryption ? 'zstd+age' : 'zstd'
  const odd =
    manifest.parts.find((part) => part.encoding !== encoding) ??
    manifest.extras.find((extra) => extra.encoding !== 'zstd')
  if (!odd) return manifest
  const said = manifest.encryption ? 'is encrypted' : 'is not encrypted'
  throw new Fault('store_corrupt', `read ${where}: the set ${said}, and ${odd.name} is said to be ${odd.encoding}`)
}

/** The text of a manifest: JSON, two blanks of indent, ending in a newline, so that a person can read it. */
export const formatManifest = (manifest: Manifest): string => `${JSON.stringify(manifest, null, 2)}\n`
