import { lchown, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { syncDirectory } from '../../lib/files.ts'
import { HELD, HELD_SUFFIX } from './extract.ts'
import type { Owner } from './restore-owner.ts'
import { targetFault } from './restore-fault.ts'

/** What would make a restored server something else than an independent primary. `backup_label` is never among them. */
const REMOVED = [
  'standby.signal',
  'recovery.signal',
  'backup_label.old',
  'tablespace_map.old',
  'postmaster.pid',
  'postmaster.opts',
]

/** One line of `tablespace_map`: an oid and where its directory is, as a byte string. */
export interface MappedTablespace {
  readonly oid: string
  readonly path: string
}

/**
 * Makes what was extracted below `root` one cluster that lies there whole: each tablespace linked to `tablespaces/<oid>`,
 * and `tablespace_map`, from which the first start makes the links again, telling the same. After it,
 * `pg_verifybackup -i tablespace_map` passes (the held files back in their place). Gives the oids.
 */
export async function linkTablespaces(root: string, owner: Owner): Promise<string[]> {
  const mapFile = join(root, 'data/tablespace_map')
  const mapped = parseTablespaceMap(await readIfThere(mapFile))
  if (mapped.length === 0) return []
  const moved = mapped.map(({ oid }) => ({ oid, path: join(root, 'tablespaces', oid) }))
  try {
    for (const { oid, path } of moved) {
      await requireDirectory(path, oid)
      const link = join(root, 'data/pg_tblspc', oid)
      await symlink(path, link)
      if (owner) await lchown(link, owner.uid, owner.gid)
    }
    const bytes = moved.map(({ oid, path }) => ({ oid, path: Buffer.from(path).toString('latin1') }))
    await writeFile(mapFile, Buffer.from(formatTablespaceMap(bytes), 'latin1'), { flush: true })
    await syncDirectory(join(root, 'data/pg_tblspc'))
  } catch (error) {
    throw targetFault(error, 'link the tablespaces')
  }
  return moved.map(({ oid }) => oid)
}

/** Removes what would make the restored server follow or wait for another one. */
export async function removeSignals(root: string): Promise<void> {
  for (const name of REMOVED) await rm(join(root, 'data', name), { force: true })
}

/** Gives the files that were held back their names, pg_control before PG_VERSION, each durable before the next. */
export async function releaseHeld(root: string): Promise<void> {
  for (const name of HELD) {
    const path = join(root, name)
    await rename(`${path}${HELD_SUFFIX}`, path).catch((cause: unknown) => {
      throw new Fault('store_corrupt', `read the set: it has no ${name}`, { cause })
    })
    await syncDirectory(join(path, '..'))
  }
}

/** The entries of a `tablespace_map`: `oid path` lines, a backslash taking the special meaning from what follows it. */
export function parseTablespaceMap(text: string): MappedTablespace[] {
  const lines = text.match(/(?:\\[\s\S]|[^\\\n\r])+/g) ?? []
  return lines.map((line) => {
    const [, oid, path] = /^([1-9]\d*) ([\s\S]+)$/.exec(line) ?? []
    if (oid === undefined || path === undefined) {
      throw new Fault('store_corrupt', `read the set: tablespace_map has the line ${JSON.stringify(line)}`)
    }
    return { oid, path: path.replaceAll(/\\([\s\S])/g, '$1') }
  })
}

export const formatTablespaceMap = (tablespaces: readonly MappedTablespace[]): string =>
  tablespaces.map(({ oid, path }) => `${oid} ${path.replaceAll(/[\\\n\r]/g, String.raw`\$&`)}\n`).join('')

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

async function requireDirectory(path: string, oid: string): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  if (!info?.isDirectory()) throw new Fault('store_corrupt', `read the set: it has no tablespace ${oid}`)
}
