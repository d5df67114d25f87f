import type { Catalog } from '../catalog/catalog.ts'
import type { Condition } from '../core/alert.ts'
import { agedProof, unopenedSet } from '../core/conditions.ts'
import { Fault } from '../core/fault.ts'
import { fingerprintOf } from '../lib/age.ts'
import type { Clock, Moment } from '../lib/clock.ts'
import type { Encryption } from '../set/encryption.ts'
import { readProofs } from '../set/proofs.ts'
import { readManifest } from '../set/read.ts'
import { tryOpen } from '../set/try-open.ts'
import type { Store } from '../store/store.ts'

export interface EncryptionWatchDeps {
  readonly catalog: Pick<Catalog, 'standings' | 'sets'>
  readonly store: Store
  readonly clock: Clock
  readonly encryption: Encryption
  readonly settings: { readonly checkSeconds: number; readonly proofDays: number }
}

/** What is wrong with what encrypted sets are opened by. Rejects when that cannot be told now. */
export type EncryptionWatch = () => Promise<readonly Condition[]>

/**
 * A watch that tries every `checkSeconds` whether the service's identity opens the newest set of each instance, and looks whether somebody
 * showed that he has an identity. What is wrong is looked at again each time, so that it is over soon after it was mended.
 */
export function watchEncryption(deps: EncryptionWatchDeps): EncryptionWatch {
  let goodAt: Moment | undefined
  return async () => {
    const now = deps.clock.now()
    const isFresh = goodAt !== undefined && goodAt <= now && now - goodAt < deps.settings.checkSeconds * 1000
    if (isFresh) return []
    const found = [...(await lookAtProofs(deps, now)), ...(await openNewest(deps))]
    goodAt = found.length === 0 ? now : undefined
    return found
  }
}

/** A service that holds an identity proves itself each time: of it, a person must have shown only once that he has one, too. */
async function lookAtProofs({ store, encryption, settings }: EncryptionWatchDeps, now: Moment): Promise<Condition[]> {
  const { recipients, identities } = encryption
  if (recipients.length === 0) return []
  const { proven } = await readProofs(store)
  const moments = recipients.flatMap((recipient) => proven[fingerprintOf(recipient)] ?? [])
  const days = identities.length === 0 ? settings.proofDays : Number.POSITIVE_INFINITY
  const aged = agedProof(moments.length === 0 ? undefined : Math.max(...moments), now, days)
  return aged ? [aged] : []
}

async function openNewest({ catalog, store, encryption }: EncryptionWatchDeps): Promise<Condition[]> {
  const { identities } = encryption
  if (identities.length === 0) return []
  const found: Condition[] = []
  for (const { instanceId } of await catalog.standings()) {
    const { items } = await catalog.sets({ instanceId, status: 'Success', offset: 0, limit: 1 })
    const [newest] = items
    if (newest?.encryption === undefined || newest.manifestKey === undefined) continue
    try {
      await tryOpen(store, await readManifest(store, newest.manifestKey), identities)
    } catch (error) {
      if (!Fault.is(error, 'identity_needed') && !Fault.is(error, 'store_corrupt')) throw error
      found.push(unopenedSet(newest, error.message))
    }
  }
  return found
}
