import { hash, randomBytes } from 'node:crypto'
import type { Moment } from '../lib/clock.ts'
import { createNonceTable, type NonceTable } from './nonce-table.ts'

/** Remembers the nonces of calls whose signature held, until their timestamps have left the window. */
export interface Nonces {
  /**
   * Spends a nonce of a key. `used`: it was spent before. `full`: the key has as many as it may; then nothing is remembered.
   * `until` is when the call's own timestamp leaves the window; the nonce is known up to three minutes longer.
   */
  spend(keyId: string, nonce: string, until: Moment, now: Moment): 'fresh' | 'used' | 'full'
  /** How many are remembered. */
  readonly size: number
  /** Bytes of memory taken by what is remembered. */
  readonly bytes: number
}

/** A lookup visits every bucket, so that there are few; memory is given back a bucket at a time, so that there are several. */
const BUCKET_MS = 180_000

interface Bucket {
  readonly index: number
  readonly table: NonceTable
  readonly counts: Map<string, number>
}

/**
 * The guard of one process. A nonce is kept as 8 bytes of a hash under a secret of this process, so that nobody can choose
 * nonces that meet: the chance that a fresh one is taken for a used one is one in 10^12 with ten million remembered.
 */
export function createNonces(limits: { readonly noncesPerKey: number }): Nonces {
  const secret = randomBytes(16).toString('hex')
  const counts = new Map<string, number>()
  let buckets: Bucket[] = []

  const forget = (now: Moment) => {
    const oldest = buckets[0]
    if (oldest === undefined || (oldest.index + 1) * BUCKET_MS > now) return
    for (const bucket of buckets) if ((bucket.index + 1) * BUCKET_MS <= now) takeBack(counts, bucket.counts)
    buckets = buckets.filter((bucket) => (bucket.index + 1) * BUCKET_MS > now)
  }

  const bucketOf = (until: Moment): Bucket => {
    const index = Math.floor(until / BUCKET_MS)
    const known = buckets.find((bucket) => bucket.index === index)
    if (known) return known
    const made: Bucket = { index, table: createNonceTable(), counts: new Map() }
    buckets = [...buckets, made].toSorted((a, b) => a.index - b.index)
    return made
  }

  return {
    get size() {
      return buckets.reduce((sum, { table }) => sum + table.size, 0)
    },
    get bytes() {
      return buckets.reduce((sum, { table }) => sum + table.bytes, 0)
    },

    spend(keyId, nonce, until, now) {
      forget(now)
      const digest = hash('sha1', `${secret}${keyId.length}:${keyId}${nonce}`)
      const high = Number.parseInt(digest.slice(0, 8), 16)
      const low = Number.parseInt(digest.slice(8, 16), 16)
      for (const { table } of buckets) if (table.has(high, low)) return 'used'
      const count = counts.get(keyId) ?? 0
      if (count >= limits.noncesPerKey) return 'full'
      const bucket = bucketOf(until)
      bucket.table.add(high, low)
      bucket.counts.set(keyId, (bucket.counts.get(keyId) ?? 0) + 1)
      counts.set(keyId, count + 1)
      return 'fresh'
    },
  }
}

function takeBack(counts: Map<string, number>, gone: ReadonlyMap<string, number>): void {
  for (const [keyId, count] of gone) {
    const left = (counts.get(keyId) ?? 0) - count
    if (left > 0) counts.set(keyId, left)
    else counts.delete(keyId)
  }
}
