import type { Moment } from '../lib/clock.ts'
import { isGood, type BackupSet } from './backup-set.ts'
import type { Increments } from './policy.ts'

const DAY_MS = 86_400_000

/** What an increment adds to, or why a full set is to be taken instead. */
export type Base =
  | { readonly base: BackupSet; readonly reason?: undefined }
  | { readonly base?: undefined; readonly reason: string }

type Limits = Pick<Increments, 'chainLength' | 'fullDays'>

/**
 * What an increment taken now adds to: the newest good physical set whose whole chain is good, unless that chain is as long, or its
 * full set as old, as the policy allows.
 */
export function chooseBase(sets: readonly BackupSet[], { chainLength, fullDays }: Limits, now: Moment): Base {
  const byId = new Map(sets.map((set) => [set.id, set]))
  const newestFirst = sets.toSorted((a, b) => b.startedAt - a.startedAt || Number(b.id) - Number(a.id))
  for (const base of newestFirst) {
    const chain = goodChain(base, byId)
    const [full] = chain ?? []
    if (!chain || !full) continue
    if (chain.length > chainLength)
      return { reason: `the chain of set ${full.id} has ${chainLength} increments already` }
    if (full.startedAt <= now - fullDays * DAY_MS)
      return { reason: `its full set ${full.id} is older than ${fullDays} days` }
    return { base }
  }
  return { reason: 'there is no good physical set that it could add to' }
}

/** A set and all it needs, oldest first; undefined when one of them is gone or not good. */
function goodChain(set: BackupSet, byId: ReadonlyMap<string, BackupSet>): BackupSet[] | undefined {
  const chain: BackupSet[] = []
  for (let at: BackupSet | undefined = set; at; at = at.parentId === undefined ? undefined : byId.get(at.parentId)) {
    if (!mayBeBase(at)) return undefined
    chain.unshift(at)
  }
  return chain[0]?.parentId === undefined ? chain : undefined
}

const mayBeBase = (set: BackupSet): boolean => isGood(set) && set.method === 'Physical' && set.removing !== true
