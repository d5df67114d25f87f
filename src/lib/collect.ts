/** Bytes made and dropped between two collections of young garbage. */
const EVERY = 32 * 1024 * 1024

/** By so many bytes memory may grow between two collections of all garbage. */
const GROWTH = 24 * 1024 * 1024

type Collect = (options: { type: 'minor' | 'major' }) => void
const collect = (globalThis as { gc?: Collect }).gc
let dropped = 0
let least = Number.POSITIVE_INFINITY

/**
 * Says that so many bytes have been made and will be dropped soon. Every 32 MiB young garbage is collected, and all of it when
 * memory has grown by 24 MiB since it was last at its least, where the program runs with `--expose-gc`: by itself the runtime
 * counts the few objects and not their buffers, and lets a hundred megabytes pile up. Elsewhere nothing happens.
 */
export function noteDropped(bytes: number): void {
  dropped += bytes
  if (dropped < EVERY || !collect) return
  dropped = 0
  collect({ type: 'minor' })
  const before = used()
  least = Math.min(least, before)
  if (before < least + GROWTH) return
  collect({ type: 'major' })
  least = used()
}

function used(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
