import { Fault } from '../../core/fault.ts'
import type { Manifest, PostgresFacts } from '../../core/manifest.ts'
import type { SetReader } from '../../core/set-reader.ts'
import type { RestoreOptions } from '../engine.ts'

/** One set of a chain, with what a restore needs of it at hand. */
export interface Member {
  readonly set: SetReader
  readonly facts: PostgresFacts
  /** Bytes of its tar. */
  readonly bytes: number
}

/** A full set and the increments that follow, oldest first. */
export interface Chain {
  readonly members: readonly Member[]
  readonly full: Member
  readonly last: Member
  /** Bytes of all tars: at least what the restored files take. */
  readonly bytes: number
}

/**
 * The chain of these sets. Fault 'unsupported' for other sets than physical ones of PostgreSQL, and for a moment after the last;
 * 'store_corrupt' for sets that do not add to each other, naming the one that does not fit.
 */
export function chainOf(sets: readonly SetReader[], { until }: RestoreOptions): Chain {
  const members = sets.map(memberOf)
  const [full] = members
  const last = members.at(-1)
  if (!full || !last) throw new Fault('unsupported', 'restore: not a physical set of PostgreSQL')
  const name = last.set.manifest.backupId
  if (until !== undefined) {
    throw new Fault('unsupported', `restore set ${name}: this version restores a set as it was when taken`)
  }
  for (const [at, member] of members.entries()) {
    const reason = misfit(member, members[at - 1])
    if (reason === undefined) continue
    throw new Fault('store_corrupt', `restore set ${name}: ${reason}`, {
      hint: 'Restore a set that does not need it: a full set needs no other.',
    })
  }
  return { members, full, last, bytes: members.reduce((sum, { bytes }) => sum + bytes, 0) }
}

function memberOf(set: SetReader): Member {
  const { manifest } = set
  const part = manifest.parts.find(({ name }) => name === 'data')
  if (!manifest.postgres || !part || manifest.method !== 'Physical') {
    throw new Fault('unsupported', 'restore: not a physical set of PostgreSQL')
  }
  return { set, facts: manifest.postgres, bytes: part.plainSize }
}

/** Why a set does not follow the one before it, which is none for the first; undefined when it does. */
function misfit(member: Member, before: Member | undefined): string | undefined {
  const { manifest } = member.set
  const name = `set ${manifest.backupId}`
  if (!before)
    return manifest.type === 'FullBackup' ? undefined : `${name} adds to set ${manifest.parentId}, which is missing`
  const parent = before.set.manifest
  if (manifest.type !== 'IncrementalBackup') return `${name} is a full set in the middle of a chain`
  if (manifest.parentId !== parent.backupId)
    return `${name} adds to set ${manifest.parentId}, not to set ${parent.backupId}`
  return differing(member.facts, before.facts, name, parent)
}

function differing(facts: PostgresFacts, before: PostgresFacts, name: string, parent: Manifest): string | undefined {
  const other = (what: string) => `${name} and set ${parent.backupId}, which it adds to, ${what}`
  if (facts.systemIdentifier !== before.systemIdentifier) return other('are of different clusters')
  if (facts.dataChecksums !== before.dataChecksums) return other('differ in whether pages have checksums')
  if (facts.blockSize !== before.blockSize) return other('have blocks of different sizes')
  const major = ({ serverVersion }: PostgresFacts) => Math.floor(serverVersion / 10_000)
  return major(facts) === major(before) ? undefined : other('are of different versions of PostgreSQL')
}
