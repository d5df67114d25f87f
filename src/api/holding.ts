import { randomUUID } from 'node:crypto'
import type { Catalog } from '../catalog/catalog.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Bytes } from '../lib/streams.ts'
import type { Slots } from './download-slots.ts'

/** How long a hold lasts that nobody renews, and how old it gets before it is renewed. */
const HOLD_MS = 600_000
const RENEW_MS = 120_000

export interface HoldingDeps {
  readonly catalog: Pick<Catalog, 'holdSet' | 'releaseHold'>
  readonly clock: Clock
  readonly log: Log
  readonly slots: Slots
}

/** One download's place among those that run, and its hold on the set, which keeps its bytes from being removed. */
export interface Holding {
  /** Renews the hold when it is due. */
  keep(): Promise<void>
  /** Gives place and hold back; once, however often it is called. */
  end(): Promise<void>
}

/** Takes a place and holds the set; undefined when there is no place. Fault 'not_found' when the set is gone. */
export async function holdForDownload(deps: HoldingDeps, setId: string): Promise<Holding | undefined> {
  const { catalog, clock, log, slots } = deps
  const free = slots.take(setId)
  if (free === undefined) return undefined
  const owner = randomUUID()
  let renewedAt = clock.monotonic()
  let ended: Promise<void> | undefined
  try {
    await catalog.holdSet(setId, owner, HOLD_MS)
  } catch (error) {
    free()
    throw error
  }

  const release = async () => {
    free()
    // A hold that cannot be given back ends by itself.
    await catalog.releaseHold(setId, owner).catch((error: unknown) => log.warn({ err: error, setId }, 'release a hold'))
  }

  return {
    async keep() {
      if (ended || clock.monotonic() - renewedAt < RENEW_MS) return
      renewedAt = clock.monotonic()
      await catalog.holdSet(setId, owner, HOLD_MS)
    },
    end: () => (ended ??= release()),
  }
}

/**
 * The bytes of a held download, the first of them read already: a store that cannot give them fails here, before a reply has begun.
 * The hold ends when they end, when that fails, when their reader leaves, and when `signal` aborts, also if nobody ever read.
 * Whoever has the last byte finds the hold ended: he may remove the set at once.
 */
export async function heldBytes(holding: Holding, open: () => Promise<Bytes>, signal: AbortSignal): Promise<Bytes> {
  const { source, first } = await begin(open).catch(async (error: unknown) => {
    await holding.end()
    throw error
  })
  const close = async () => {
    signal.removeEventListener('abort', stop)
    await holding.end()
    await source.return?.()
  }
  const stop = () => void close()
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  return {
    async *[Symbol.asyncIterator]() {
      try {
        let behind: Uint8Array | undefined
        for (let next = first; !next.done; next = await source.next()) {
          if (behind) yield behind
          behind = next.value
          await holding.keep()
        }
        await holding.end()
        if (behind) yield behind
      } finally {
        await close()
      }
    },
  }
}

async function begin(open: () => Promise<Bytes>) {
  const source = (await open())[Symbol.asyncIterator]()
  return { source, first: await source.next() }
}
