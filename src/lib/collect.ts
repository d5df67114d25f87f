/** Bytes of buffers made and dropped between two collections. */
const EVERY = 32 * 1024 * 1024

type Collect = (options: { type: 'minor' }) => void
const collect = (globalThis as { gc?: Collect }).gc
let dropped = 0

/**
 * Says that buffers of so many bytes have been made and will be dropped soon. Every 32 MiB young garbage is collected, where
 * the program runs with `--expose-gc`: by itself the runtime counts the few objects and not their buffers, and lets a
 * hundred megabytes pile up. Elsewhere nothing happens.
 */
export function noteDropped(bytes: number): void {
  dropped += bytes
  if (dropped < EVERY) return
  dropped = 0
  collect?.({ type: 'minor' })
}
