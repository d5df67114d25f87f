import { Fault } from '../core/fault.ts'
import type { Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'
import { removeAttempt } from './attempts.ts'
import { MANIFEST, parseSetKey } from './layout.ts'

/** Removes the set whose manifest lies under `manifestKey`: the manifest, then its bytes. A set that is gone already is no error. */
export async function removeSet(store: Store, manifestKey: string, options: Options = {}): Promise<void> {
  const parsed = parseSetKey(manifestKey)
  if (parsed?.name !== MANIFEST) throw new Fault('invalid', `remove a set: ${manifestKey} is not the key of a manifest`)
  await removeAttempt(store, parsed.place, options)
}
