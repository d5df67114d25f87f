import { fileURLToPath } from 'node:url'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import { makeRoot } from './fs-directory.ts'
import { faulting } from './fs-faults.ts'
import { fsStore } from './fs.ts'
import { checkMarker, type MarkerOptions } from './marker.ts'
import type { Store } from './store.ts'

/**
 * Opens the store that `url` names: `file:///PATH`. An absent directory is made, an empty one becomes a store, unless
 * `create` is false; reading an existing store writes nothing. Fault 'invalid' for another URL, 'too_new' when a newer program made it.
 */
export async function openStore(url: string, clock: Clock, options: MarkerOptions = {}): Promise<Store> {
  const directory = directoryOf(url)
  if (options.create !== false) await faulting(`make ${directory}`, makeRoot(directory))
  const store = fsStore(directory, clock)
  await checkMarker(store, clock, options)
  return store
}

function directoryOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch (cause) {
    throw new Fault('invalid', `open the store: its URL names no directory`, {
      hint: 'A store is named file:///PATH.',
      cause,
    })
  }
}
