import { setTimeout as wait } from 'node:timers/promises'
import { Fault } from '../../src/core/fault.ts'
import type { Bytes } from '../../src/lib/streams.ts'
import type { PutOptions, Store } from '../../src/store/store.ts'

/** What a store does just now: it works, refuses everything, or takes nothing without a word. */
export type Mood = 'up' | 'refuses' | 'hangs'

/** A store whose mood a test changes. It tries the piece in hand again as its caller lets it, as our own stores do. */
export function outageStore(store: Store) {
  let mood: Mood = 'up'
  /** Pieces that were asked for while it did not work. */
  let asked = 0

  const meet = async (doing: string, { onTrouble, signal }: PutOptions = {}) => {
    while (mood !== 'up') {
      signal?.throwIfAborted()
      const fault = new Fault('store_unavailable', `${doing}: connection refused`)
      if (mood === 'hangs') await wait(10)
      else if (onTrouble) await onTrouble(fault)
      else throw fault
    }
  }
  async function* moody(doing: string, body: Bytes, options: PutOptions | undefined): Bytes {
    for await (const chunk of body) {
      if (mood !== 'up') asked++
      await meet(doing, options)
      yield chunk
    }
  }

  const outage: Store = {
    ...store,
    async put(key, body, options) {
      await meet(`put ${key}`, { signal: options?.signal })
      return store.put(key, moody(`put ${key}`, body, options), options)
    },
    async get(key, options) {
      await meet(`get ${key}`, { signal: options?.signal })
      return store.get(key, options)
    },
    async stat(key, options) {
      await meet(`stat ${key}`, { signal: options?.signal })
      return store.stat(key, options)
    },
    async *list(prefix, options) {
      await meet(`list ${prefix}`, { signal: options?.signal })
      yield* store.list(prefix, options)
    },
    async remove(key, options) {
      await meet(`remove ${key}`, { signal: options?.signal })
      return store.remove(key, options)
    },
  }
  return {
    store: outage,
    become: (next: Mood) => {
      mood = next
      asked = 0
    },
    get asked() {
      return asked
    },
  }
}
