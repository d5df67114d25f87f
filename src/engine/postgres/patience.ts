import { Fault } from '../../core/fault.ts'
import type { Clock } from '../../lib/clock.ts'
import type { EngineOptions, EngineProgress } from '../engine.ts'

/** How long nothing may be taken from us while the server keeps WAL for the backup. */
const STALL_MS = 15 * 60_000
const LOOK_MS = 10_000
/** How long whoever takes our bytes may clear up after an abort. */
const GRACE_MS = 30_000

interface Waiting {
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Watches a stream of bytes. Fault 'engine_failed' when none was taken for a quarter of an hour: the server would keep its WAL for
 * ever. The wait for the checkpoint, what comes after the last byte,
 * and waiting on purpose do not count. Ends without a word when `signal` aborts.
 */
export async function watchStall(
  latest: () => EngineProgress,
  { clock, signal, isSlowed = () => false }: Waiting & Pick<EngineOptions, 'isSlowed'>,
): Promise<void> {
  let last = latest()
  let since = clock.monotonic()
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, signal).catch(() => {})
    const now = latest()
    if (now.phase !== 'streaming' || now.bytes !== last.bytes || isSlowed()) since = clock.monotonic()
    last = now
    if (clock.monotonic() - since >= STALL_MS) throw stalled(now.bytes)
  }
}

const stalled = (bytes: number) =>
  new Fault('engine_failed', `take a base backup: after ${bytes} bytes the store took nothing for 15 minutes`, {
    hint: 'Look at the store and the connection to it. The backup stopped so that the server need not keep its WAL for ever.',
  })

/** What `work` gives; the reason of the abort when `work` does not end within half a minute after one. */
export async function unlessStuck<T>(work: Promise<T>, { clock, signal }: Waiting): Promise<T> {
  const over = new AbortController()
  const giveUp = async () => {
    await aborted(signal, over.signal)
    await clock.sleep(GRACE_MS, over.signal)
    throw signal.reason
  }
  try {
    return await Promise.race([work, giveUp()])
  } finally {
    over.abort()
  }
}

/** Resolves once `signal` aborts; rejects when `over` does first. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true, signal: over })
    over.addEventListener('abort', () => reject(over.reason as Error), { once: true })
  })
}
