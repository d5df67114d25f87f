import type { BackupSet, SetDatabase } from './backup-set.ts'
import type { LogicalFacts, Manifest } from './manifest.ts'

/** The size of a set's download, and its CRC-64 of ECMA-182 where one is known. */
interface Sized {
  readonly size: number
  checksum(): string | undefined
}

/** The catalog's row of a set whose manifest lies in a store under `manifestKey`. */
export function setOfManifest(manifest: Manifest, manifestKey: string, download: Sized): BackupSet {
  const checksum = download.checksum()
  return {
    id: manifest.backupId,
    instanceId: manifest.instance.id,
    nodeId: manifest.node.id,
    status: 'Success',
    type: manifest.type,
    mode: manifest.mode,
    method: manifest.method,
    startedAt: manifest.startedAt,
    endedAt: manifest.endedAt,
    consistentAt: manifest.consistentAt,
    size: download.size,
    available: manifest.available,
    engine: manifest.instance.engine,
    engineVersion: manifest.instance.engineVersion,
    manifestKey,
    parentId: manifest.parentId,
    reason: undefined,
    held: false,
    verifiedAt: undefined,
    ...(checksum !== undefined && { checksum }),
    ...(manifest.encryption && { encryption: manifest.encryption }),
    ...(manifest.logical && { databases: databasesOf(manifest, manifest.logical) }),
  }
}

function databasesOf({ parts }: Manifest, { databases }: LogicalFacts): SetDatabase[] {
  const files = new Map(parts.map(({ name, key }) => [name, key.slice(key.lastIndexOf('/') + 1)]))
  return databases.map(({ name, part }) => ({ name, file: files.get(part) ?? '' }))
}
