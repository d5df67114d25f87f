import { Fault } from '../../core/fault.ts'
import type { TarEntry } from '../../lib/tar.ts'

/** The text that opens a set and tells a person how to restore it. */
export const RESTORE_TEXT = 'RESTORE.txt'

/**
 * The member with a plain path: `.` parts, which PostgreSQL itself writes, are dropped.
 *
 * Refuses what a set never holds and what could reach outside its target: an absolute path, `..`, a link or special file,
 * a place other than RESTORE.txt, `data/` and `tablespaces/<oid>/`. Fault 'store_corrupt'.
 */
export function plainMember(entry: TarEntry): TarEntry {
  const refusal = (why: string) =>
    new Fault('store_corrupt', `read the set: member ${JSON.stringify(entry.name)} ${why}`, {
      hint: 'Nothing outside the target was written. Check where this set comes from.',
    })
  if (entry.type !== 'file' && entry.type !== 'directory') throw refusal(`is a ${entry.type}`)
  if (entry.name.startsWith('/')) throw refusal('has an absolute path')
  const parts = entry.name.split('/').filter((part) => part !== '.')
  if (parts.some((part) => part === '' || part === '..')) throw refusal('has a path that is not plain')
  const name = parts.join('/')
  const [top = '', ...rest] = parts
  if (!allowed(entry, top, rest)) throw refusal('lies where no set has one')
  return name === entry.name ? entry : { ...entry, name }
}

function allowed(entry: TarEntry, top: string, rest: readonly string[]): boolean {
  const inside = rest.length > 0 || entry.type === 'directory'
  if (top === 'data') return inside
  if (top === 'tablespaces')
    return inside && /^[1-9]\d{0,9}$/.test(rest[0] ?? '1') && (rest.length !== 1 || entry.type === 'directory')
  return top === RESTORE_TEXT && rest.length === 0 && entry.type === 'file'
}

/**
 * The path by which PostgreSQL's backup_manifest knows a member: `data/x` is `x`, `tablespaces/<oid>/x` is
 * `pg_tblspc/<oid>/x`. Undefined for what is not the server's.
 */
export function serverPath(name: string): string | undefined {
  if (name.startsWith('data/')) return name.slice('data/'.length)
  return name.startsWith('tablespaces/') ? `pg_tblspc/${name.slice('tablespaces/'.length)}` : undefined
}

/** A path as the system takes it: `name` is a byte string, one character per byte. */
export const absolute = (directory: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')])
