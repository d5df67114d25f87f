import { Fault } from '../core/fault.ts'
import type { Bytes } from '../lib/streams.ts'
import type { ObjectInfo, PutOptions, Store } from './store.ts'

/** Who waits when a store is in trouble. */
export interface Patience {
  /** Resolves when what failed shall be tried again; rejects to give up. */
  readonly onTrouble: (fault: Fault) => Promise<void>
  /** Something went well: a call, or a piece of a body. */
  readonly onTaken: () => void
  /** A piece, or the end of a body, was given to the store: `onTaken` follows, or trouble, or nothing for long. */
  readonly onGiven: () => void
}

/**
 * `store`, whose calls are tried again while it is unavailable and `patience` lasts. A body that the store has begun to read cannot be
 * given again: of it the store itself tries the piece again that it has in hand. What is being read is not tried again.
 */
export function patientStore(store: Store, patience: Patience): Store {
  const again = async <T>(call: () => Promise<T>, mayRepeat = () => true): Promise<T> => {
    for (;;) {
      try {
        const result = await call()
        patience.onTaken()
        return result
      } catch (error) {
        if (!Fault.is(error, 'store_unavailable') || !mayRepeat()) throw error
        await patience.onTrouble(error)
      }
    }
  }

  const put = async (key: string, body: Bytes, options: PutOptions = {}): Promise<ObjectInfo> => {
    let begun = false
    const told = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const chunk of body) {
        begun = true
        patience.onGiven()
        yield chunk
        patience.onTaken()
      }
      patience.onGiven()
    }
    // One body for all tries: until it is begun it has lost nothing.
    const once = told()
    const { onTrouble } = patience
    try {
      return await again(
        () => store.put(key, unclosed(once), { ...options, onTrouble }),
        () => !begun,
      )
    } finally {
      await once.return(undefined)
    }
  }

  return {
    ...store,
    put,
    get: (key, options) => again(() => store.get(key, options)),
    stat: (key, options) => again(() => store.stat(key, options)),
    remove: (key, options) => again(() => store.remove(key, options)),
    async *list(prefix, options) {
      const objects = async () => {
        const iterator = store.list(prefix, options)[Symbol.asyncIterator]()
        return { iterator, first: await iterator.next() }
      }
      const { iterator, first } = await again(objects)
      for (let next = first; !next.done; next = await iterator.next()) {
        yield next.value
      }
    },
  }
}

/** The body without its end: a store that fails before it reads would close it for the next try. */
const unclosed = (body: AsyncGenerator<Uint8Array>): Bytes => ({
  [Symbol.asyncIterator]: () => ({ next: () => body.next() }),
})
