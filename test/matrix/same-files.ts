import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CHANGED_BY_RESTORE } from './verify-backup.ts'

/**
 * Not alike, and why: the manifest has the moment of its writing in it (its lists of files are compared), and what a restore of ours
 * writes anew or takes away.
 */
const OF_ITS_OWN = new Set(['backup_manifest', ...CHANGED_BY_RESTORE].map((name) => `data/${name}`))

/** What differs between two restored clusters, by paths, directories and bytes; and in what their manifests say of each file. */
export async function differentFiles(ours: string, theirs: string): Promise<string[]> {
  const [here, there] = [await digests(ours), await digests(theirs)]
  const [listedHere, listedThere] = [await listed(ours), await listed(theirs)]
  return [...differ(here, there), ...differ(listedHere, listedThere).map((line) => `in the manifest: ${line}`)]
}

function differ(ours: ReadonlyMap<string, string>, theirs: ReadonlyMap<string, string>): string[] {
  const all = [...new Set([...ours.keys(), ...theirs.keys()])].toSorted()
  return all.flatMap((path) => {
    const [here, there] = [ours.get(path), theirs.get(path)]
    return here === there ? [] : [`${path}: ${here ?? 'missing'} instead of ${there ?? 'nothing'}`]
  })
}

async function digests(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const top of ['data', 'tablespaces']) {
    const entries = await readdir(join(root, top), { recursive: true, withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name)
      const name = path.slice(root.length + 1)
      if (OF_ITS_OWN.has(name)) continue
      // A link is to the cluster's own tablespaces, whose files are compared where they lie.
      if (entry.isSymbolicLink()) found.set(name, 'a link')
      else if (entry.isDirectory()) found.set(name, 'a directory')
      else {
        const content = await readFile(path)
        found.set(name, `${content.length} bytes, ${createHash('sha256').update(content).digest('hex').slice(0, 16)}`)
      }
    }
  }
  return found
}

/**
 * Said otherwise in a manifest, and why: ours names the map of tablespaces, which PostgreSQL's tool was given none of; and the log, which
 * the server's own manifest leaves to `WAL-Ranges`, is listed by that tool, without a checksum.
 */
const ONLY_IN_ONE = /^(tablespace_map$|pg_wal\/)/

interface ServerManifest {
  readonly Files: readonly { Path?: string; 'Encoded-Path'?: string; Size: number; Checksum: string }[]
  readonly 'WAL-Ranges': unknown
}

async function listed(root: string): Promise<Map<string, string>> {
  const manifest = JSON.parse(await readFile(join(root, 'data/backup_manifest'), 'utf8')) as ServerManifest
  const files = manifest.Files.flatMap((file) => {
    const path = file.Path ?? Buffer.from(file['Encoded-Path'] ?? '', 'hex').toString('latin1')
    return ONLY_IN_ONE.test(path) ? [] : [[path, `${file.Size} bytes, ${file.Checksum}`] as const]
  })
  return new Map([...files, ['WAL-Ranges', JSON.stringify(manifest['WAL-Ranges'])]])
}
